// A button that hands in the board as the page shows it, and whether the class has it.

import { HANDED_IN, outbox, putIntoOutbox, REFUSED } from "../shared/class_server.js";
import { announce, find } from "../shared/elements.js";

/** @import { ComponentArguments } from "../shared/browser.js" */
/** @import { HandIn } from "../shared/class_server.js" */

/**
 * @typedef {object} Data
 * @property {{ who: number, kind: string, subject: string }} handIn - Whose it is, and what it is about.
 * @property {object | null} content - What is handed in; null: nothing is drawn yet.
 * @property {"this" | "another" | null} handed - What the class has already: this very board, or another one.
 * @property {string} note - What is still missing, or empty.
 *
 * @typedef {HTMLElement & { data: Data, begun?: boolean, given?: string, error?: string }} Root
 * What was handed in last, as a text, and why the server has refused it.
 */

/**
 * @param {Root} root
 * @param {HandIn} one
 */
function isOwn(root, one) {
  const { who, kind, subject } = root.data.handIn;
  return one.who === who && one.kind === kind && one.subject === subject;
}

/** @param {Root} root */
function mark(root) {
  const { content, note } = root.data;
  const isSame = root.given === JSON.stringify(content);
  const isOnItsWay = outbox().some((one) => isOwn(root, one));
  const came = isOnItsWay ? "On its way to the class …" : "Your class has it.";
  const button = find(root, ".give", HTMLButtonElement);
  button.setAttribute("aria-disabled", String(content === null || isSame));
  button.textContent = isSame ? "Handed in" : root.given ? "Hand in the change" : "Hand in to the class";
  find(root, ".note").textContent = note;
  announce(find(root, ".came"), root.error || (isSame ? came : ""));
}

/** @param {Root} root */
function give(root) {
  const { handIn, content } = root.data;
  if (content === null || root.given === JSON.stringify(content)) return;
  root.given = JSON.stringify(content);
  root.error = "";
  putIntoOutbox({ ...handIn, content });
  mark(root);
}

/** @param {ComponentArguments<Data>} component */
export default function handInBoard({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".hand-in"));
  if (root.data && root.data.handIn.subject !== data.handIn.subject) root.given = root.error = "";
  root.data = data;
  if (!root.given && !root.error && data.handed) {
    root.given = data.handed === "this" ? JSON.stringify(data.content) : data.handed;
  }
  mark(root);
  if (root.begun) return;
  root.begun = true;
  find(root, ".give").onclick = () => give(root);
  addEventListener(HANDED_IN, () => {
    if (root.isConnected) mark(root);
  });
  addEventListener(REFUSED, (event) => {
    if (!root.isConnected || !(event instanceof CustomEvent) || !isOwn(root, event.detail)) return;
    root.given = "";
    root.error = event.detail.error;
    mark(root);
  });
}
