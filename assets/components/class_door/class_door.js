// How one comes into a class: by its code, under a name of the list; by starting one; by a teacher's
// private link. And how a teacher goes out. Who one is stands in a cookie that the server sets, so the
// page is loaded anew then.

import { askServer } from "../shared/class_server.js";
import { announce, element, find, findAll } from "../shared/elements.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

const CODE_LETTERS = 8;
const NO_CLASS = 404;
const UNREACHED = "The server cannot be reached; try again.";

/**
 * @typedef {object} Data
 * @property {string} root - The app's address.
 * @property {string} address - The page's own.
 * @property {string} code - Of the link, or empty.
 * @property {string} secret - Of a teacher's link, or empty.
 * @property {string} unknown - What takes the place of a secret that is no class's.
 * @property {string} days - How long a class is kept, in words.
 * @property {string[]} parts - What is offered, of join, start, stop and renew.
 * @property {string} notice - What is said first.
 */

/**
 * @typedef {HTMLElement & { data: Data, begun?: boolean, askedFor?: string }} Root
 */

/** @param {string} code */
function letters(code) {
  return code.replace(/[\s-]/g, "").toLowerCase();
}

/**
 * Offer names once the code is whole.
 *
 * @param {Root} root
 * @param {boolean} [again] - Other names for the same code.
 */
async function offerNames(root, again = false) {
  const form = find(root, ".join");
  const code = letters(find(form, ".code", HTMLInputElement).value);
  if (code === root.askedFor && !again) return;
  root.askedFor = code;
  const names = find(form, ".names");
  const enter = find(form, ".enter", HTMLButtonElement);
  if (code.length !== CODE_LETTERS) {
    names.hidden = enter.disabled = true;
    announce(find(form, ".said"), "");
    return;
  }
  const { status, answer } = await askServer(root.data.root, "names", { code });
  if (code !== root.askedFor) return; // somebody types on
  const isOpen = status === 200;
  announce(find(form, ".said"), isOpen ? "" : (answer.error ?? UNREACHED));
  names.hidden = enter.disabled = !isOpen;
  if (isOpen) find(names, ".offered").replaceChildren(...answer.names.map(nameChoice));
}

/**
 * @param {string} name
 * @param {number} index
 */
function nameChoice(name, index) {
  const label = element("label");
  const input = element("input");
  Object.assign(input, { type: "radio", name: "name", value: name, checked: index === 0 });
  label.append(input, element("span", "", name));
  return label;
}

/** @param {Root} root */
async function enterClass(root) {
  const form = find(root, ".join");
  const chosen = findAll(form, ".offered input").find((one) => one.matches(":checked"));
  if (!(chosen instanceof HTMLInputElement)) return;
  const said = { code: root.askedFor, name: chosen.value };
  const { status, answer } = await askServer(root.data.root, "join", said);
  if (status === 200) location.replace(root.data.address);
  else {
    await offerNames(root, true);
    announce(find(form, ".said"), answer.error ?? UNREACHED);
  }
}

/** @param {Root} root */
async function startClass(root) {
  const form = find(root, ".start");
  const button = find(form, ".begin", HTMLButtonElement);
  button.disabled = true;
  const { status, answer } = await askServer(root.data.root, "start", {});
  button.disabled = false;
  if (status !== 200) {
    announce(find(form, ".said"), answer.error ?? UNREACHED);
    return;
  }
  showOnce(root, answer.secret);
}

/**
 * @param {Root} root
 * @param {string} secret
 */
function showOnce(root, secret) {
  showParts(root, []);
  const once = find(root, ".once");
  once.hidden = false;
  const link = find(once, ".secret", HTMLInputElement);
  link.value = `${root.data.address}?teacher=${secret}`;
  find(once, ".copy").onclick = () => copyLink(link, find(once, ".said"));
  // Another class may have been chosen in another window meanwhile.
  find(once, ".on").onclick = () => teach(root, secret, find(once, ".said"));
  find(once, ".on").focus();
}

/** @param {Root} root */
async function renewLink(root) {
  const { status, answer } = await askServer(root.data.root, "renew-link", {});
  if (status === 200) {
    find(root, ".once h3").textContent = "Your new private link";
    showOnce(root, answer.secret);
  } else announce(find(root, ".out .said"), answer.error ?? UNREACHED);
}

/** @param {Root} root */
async function stopTeaching(root) {
  const { status } = await askServer(root.data.root, "stop-teaching", {});
  if (status === 200) location.reload();
  else announce(find(root, ".out .said"), UNREACHED);
}

/**
 * @param {HTMLInputElement} link
 * @param {HTMLElement} status
 */
function copyLink(link, status) {
  link.select();
  announce(status, document.execCommand("copy") ? "Copied" : "Copy it by hand: it is selected.");
}

/**
 * Lead a class in this browser, whichever it led before; no secret stays in the address.
 *
 * @param {Root} root
 * @param {string} secret
 * @param {HTMLElement} said
 */
async function teach(root, secret, said) {
  const { status, answer } = await askServer(root.data.root, "teach", { secret });
  if (status === 200) location.replace(root.data.address);
  else if (status === NO_CLASS) location.replace(`${root.data.address}?teacher=${root.data.unknown}`);
  else announce(said, answer.error ?? UNREACHED);
}

/**
 * Load the page anew if this browser teaches a class after all: its link was renewed in another window.
 *
 * @param {Root} root
 */
async function lookForClass(root) {
  const { status, answer } = await askServer(root.data.root, "teaches");
  if (status === 200 && answer.teaches && !find(root, ".start").hidden) location.reload();
}

/**
 * @param {Root} root
 * @param {string[]} parts
 */
function showParts(root, parts) {
  for (const part of ["join", "start", "stop", "renew"]) {
    find(root, `.${part}`).hidden = !parts.includes(part);
  }
}

/** @param {ComponentArguments<Data>} component */
export default function classDoor({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".door"));
  root.data = data;
  if (root.begun) return;
  root.begun = true;
  showParts(root, data.parts);
  find(root, ".notice").textContent = data.notice;
  find(root, ".days").textContent = data.days;
  find(root, ".stop button").onclick = () => stopTeaching(root);
  find(root, ".renew button").onclick = () => renewLink(root);
  const code = find(root, ".code", HTMLInputElement);
  code.value = data.code;
  code.oninput = () => offerNames(root);
  find(root, ".others").onclick = () => offerNames(root, true);
  find(root, ".join", HTMLFormElement).onsubmit = (event) => {
    event.preventDefault();
    enterClass(root);
  };
  find(root, ".start", HTMLFormElement).onsubmit = (event) => {
    event.preventDefault();
    startClass(root);
  };
  if (data.parts.includes("start") && !data.secret) lookForClass(root);
  if (data.secret) teach(root, data.secret, find(root, ".notice"));
  else if (data.code) offerNames(root);
  // Who comes by the address on the board came to type the code: all the sidebar's links are before it.
  else if (data.parts.includes("join") && document.activeElement === document.body) code.focus({ preventScroll: true });
}
