// People double-click where one click is asked for.

export const DOUBLE_CLICK_MS = 400; // a second click sooner belongs to the first
