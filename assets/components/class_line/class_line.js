// Who one is in the class, where the teacher leads everybody, and what is still to be sent. It asks
// the server every two seconds, without a run of the page.

import {
  ACTIVITY,
  askServer,
  HANDED_IN,
  keepOnlyOwn,
  outbox,
  REFUSED,
  takeFromOutbox,
} from "../shared/class_server.js";
import { announce, find } from "../shared/elements.js";

/** @import { ComponentArguments } from "../shared/browser.js" */
/** @import { HandIn } from "../shared/class_server.js" */

const ASK_MS = 2000;
const IN_NO_CLASS = 401;
const UNREACHED_MS = 5000; // between two tries to send while the network is away
const TASKS = {
  play: "Your teacher has opened a round of Play.",
  prediction: "Your teacher asks for a prediction.",
  drawing: "Your teacher asks everybody to draw.",
  lesson: "Your teacher has opened a lesson.",
  page: "Your teacher has opened a page.",
};
/** @type {Record<string, string>} What no form says by itself. */
const CAME = { play: "Your class has your answers." };

/**
 * @typedef {object} Data
 * @property {string} root - The app's address.
 * @property {string} place - The page that is shown.
 * @property {string} link - To it as it stands, where the link says all that counts; else empty.
 * @property {number} who - The pupil's number.
 * @property {string} name
 */

/**
 * @typedef {HTMLElement & { data: Data, sending?: boolean, begun?: boolean, said?: string, isGone?: boolean }} Root
 * What was said last of what is handed in.
 */

/** @param {Root} root */
async function look(root) {
  if (!root.isConnected) return;
  setTimeout(() => look(root), ASK_MS);
  if (document.hidden) return;
  const { status, answer } = await askServer(root.data.root, `now?place=${root.data.place}`);
  if (status === 200 && answer.name !== root.data.name) showGone(root, answer.name);
  else if (status === 200) showTask(root, answer.activity);
}

/**
 * @param {Root} root
 * @param {{ kind: keyof typeof TASKS, link: string } | null} activity
 */
function showTask(root, activity) {
  dispatchEvent(new CustomEvent(ACTIVITY, { detail: activity }));
  const link = find(root, ".go", HTMLAnchorElement);
  const address = activity ? `${root.data.root}/${activity.link}` : "";
  const own = root.data.link;
  const isHere = address !== "" && (own ? own === activity?.link : isShown(address));
  announce(find(root, ".task"), activity && !isHere ? TASKS[activity.kind] : "");
  link.hidden = !activity || isHere;
  if (link.getAttribute("href") !== address) link.href = address;
  link.textContent = "Go there";
}

/**
 * Whether an address is that of the page as it stands: the page may say more than the link.
 *
 * @param {string} address
 */
function isShown(address) {
  const wanted = new URL(address, location.href);
  if (wanted.pathname.replace(/\/$/, "") !== location.pathname.replace(/\/$/, "")) return false;
  const said = new URLSearchParams(location.search);
  return [...wanted.searchParams].every(([name, value]) => said.getAll(name).includes(value));
}

/**
 * @param {Root} root
 * @param {string | null} [name] - Of who this browser's person is by now.
 */
function showGone(root, name) {
  const said = name
    ? `In this browser you are the ${name} by now: reload the page.`
    : "You are in no class any more: it has ended, or you left it elsewhere.";
  announce(find(root, ".task"), said);
  for (const part of [".go", ".who", ".leave"]) find(root, part).hidden = true;
  root.isGone = true;
  showOutbox(root);
}

/** @param {Root} root */
function showOutbox(root) {
  const count = outbox().filter((one) => one.who === root.data.who).length;
  const things = count === 1 ? "One thing is" : `${count} things are`;
  const kept = `${things} kept on this device until the network is back.`;
  const isKept = count > 0 && root.dataset.reached === "false";
  const said = isKept ? kept : (root.said ?? "");
  announce(find(root, ".outbox"), root.isGone ? "" : said);
}

/**
 * Send what is in the outbox, one after the other.
 *
 * @param {Root} root
 */
async function send(root) {
  if (root.sending || !root.isConnected) return;
  root.sending = true;
  for (let next; (next = outbox().find((one) => one.who === root.data.who)); ) {
    if (!(await sendOne(root, next))) {
      setTimeout(() => send(root), UNREACHED_MS);
      break;
    }
  }
  root.sending = false;
  showOutbox(root);
}

/**
 * @param {Root} root
 * @param {HandIn} what
 * @returns {Promise<boolean>} Whether the server has answered, yes or no.
 */
async function sendOne(root, what) {
  const { status, answer } = await askServer(root.data.root, "hand-in", what);
  const isAnswered = status >= 200 && status < 500 && status !== 429;
  root.dataset.reached = String(isAnswered);
  if (isAnswered) {
    root.said = status === 200 ? (CAME[what.kind] ?? "") : answer.error;
    takeFromOutbox(what);
  }
  if (isAnswered && status >= 400) {
    dispatchEvent(new CustomEvent(REFUSED, { detail: { ...what, error: answer.error } }));
  }
  if (status === IN_NO_CLASS) showGone(root);
  else showOutbox(root);
  return isAnswered;
}

/** @param {Root} root */
async function leaveClass(root) {
  const { status } = await askServer(root.data.root, "leave", {});
  if (status === 200) location.reload();
  else announce(find(root, ".outbox"), "The server cannot be reached; try again.");
}

/** @param {ComponentArguments<Data>} component */
export default function classLine({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".line"));
  const hasMoved = root.begun && root.data.place !== data.place;
  root.data = data;
  if (hasMoved) {
    root.said = ""; // it was said of the page before
    showOutbox(root);
  }
  find(root, ".who").textContent = `You are the ${data.name}`;
  if (root.begun) return;
  root.begun = true;
  keepOnlyOwn(data.who);
  find(root, ".leave").onclick = () => leaveClass(root);
  addEventListener(HANDED_IN, (event) => {
    if (event instanceof CustomEvent && event.detail) sendOne(root, event.detail);
    else send(root);
  });
  addEventListener("online", () => send(root));
  send(root);
  look(root);
}
