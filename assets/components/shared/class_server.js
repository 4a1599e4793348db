// What a page says to the server about its class, beside Streamlit's connection, and the outbox: what
// is handed in stays in this browser until the server has said that it came.

const OUTBOX = "maml-hand-ins";
// Events of the window: the outbox has changed; the server has refused something, with it and why; what
// the class is asked to do, each time that the server says it.
export const HANDED_IN = "maml-handed-in";
export const REFUSED = "maml-refused";
export const ACTIVITY = "maml-activity";

/**
 * @typedef {object} HandIn
 * @property {number} who - The pupil's number: another one on this device does not send it.
 * @property {string} kind
 * @property {string} subject
 * @property {unknown} content
 * @property {number} version - Milliseconds since 1970; of a subject it only grows.
 */

/**
 * @param {string} root - The app's address.
 * @param {string} what
 * @param {object} [said] - Sent along; without it something is only asked for.
 * @returns {Promise<{ status: number, answer: any }>} Status 0: the server was not reached.
 */
export async function askServer(root, what, said) {
  const options = said && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(said),
  };
  try {
    const response = await fetch(`${root}/class/${what}`, { ...options, credentials: "same-origin" });
    return { status: response.status, answer: await response.json() };
  } catch {
    return { status: 0, answer: {} };
  }
}

/** @returns {HandIn[]} What has not been sent yet. */
export function outbox() {
  try {
    return Object.values(JSON.parse(localStorage.getItem(OUTBOX) ?? "{}"));
  } catch {
    return [];
  }
}

/** @param {HandIn[]} all */
function setOutbox(all) {
  const entries = all.map((one) => [`${one.who} ${one.kind} ${one.subject}`, one]);
  localStorage.setItem(OUTBOX, JSON.stringify(Object.fromEntries(entries)));
  dispatchEvent(new Event(HANDED_IN));
}

/**
 * Put something into the outbox, in place of an older version of it; the class's line sends it.
 *
 * @param {Omit<HandIn, "version">} what
 */
export function putIntoOutbox(what) {
  const others = outbox().filter((one) => !isSame(one, what));
  const before = outbox().find((one) => isSame(one, what));
  const version = Math.max(Date.now(), (before?.version ?? 0) + 1);
  try {
    setOutbox([...others, { ...what, version }]);
  } catch {
    // The browser forbids it or is full: this one is sent at once or not at all.
    dispatchEvent(new CustomEvent(HANDED_IN, { detail: { ...what, version } }));
  }
}

/** @param {HandIn} sent - Forgotten, unless a newer version has come meanwhile. */
export function takeFromOutbox(sent) {
  try {
    setOutbox(outbox().filter((one) => !(isSame(one, sent) && one.version <= sent.version)));
  } catch {
    // It was not kept.
  }
}

/** @param {number} who - Whose things stay; what others left on this device goes. */
export function keepOnlyOwn(who) {
  const all = outbox();
  const own = all.filter((one) => one.who === who);
  if (own.length < all.length) setOutbox(own);
}

/**
 * @param {Pick<HandIn, "who" | "kind" | "subject">} a
 * @param {Pick<HandIn, "who" | "kind" | "subject">} b
 */
function isSame(a, b) {
  return a.who === b.who && a.kind === b.kind && a.subject === b.subject;
}
