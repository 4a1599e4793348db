// Keys that belong to the page as a whole, and the arrows.

/**
 * Right and up of each arrow key.
 *
 * @type {Record<string, [number, number]>}
 */
export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** @param {KeyboardEvent} event */
export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * Whether a key was pressed in a component, or with no control in focus; another control's keys
 * are its own.
 *
 * @param {HTMLElement} root
 * @param {KeyboardEvent} event
 */
export function isMeantFor(root, event) {
  const path = event.composedPath();
  return path.includes(root) || path[0] === document.body;
}

/**
 * Hear the page's keys as long as a component is on it.
 *
 * @param {HTMLElement} root
 * @param {(event: KeyboardEvent) => void} onKey
 */
export function listenToPageKeys(root, onKey) {
  /** @param {KeyboardEvent} event */
  const listener = (event) => {
    if (root.isConnected) onKey(event);
    else document.removeEventListener("keydown", listener);
  };
  document.addEventListener("keydown", listener);
}

const OPENED = "[data-testid='stPopoverButton'][aria-expanded='true']";
const IN_POPOVER = "a, button, input, select, textarea, [tabindex='0']";

/**
 * Let Tab lead from a popover's button into what it has opened, which Streamlit puts at the end of
 * the document, behind everything else on the page.
 *
 * @param {KeyboardEvent} event
 */
export function enterOpenPopover(event) {
  if (event.key !== "Tab" || event.shiftKey || hasModifier(event)) return;
  if (!document.activeElement?.matches(OPENED)) return;
  const first = document.querySelector("[data-testid='stPopoverBody']")?.querySelector(IN_POPOVER);
  if (!(first instanceof HTMLElement)) return;
  event.preventDefault();
  first.focus();
}
