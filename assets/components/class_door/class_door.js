// How one comes into a class: by its code, under a name of the list; or by starting one. Who one is
// stands in a cookie that the server sets, so the page is loaded anew then.

import { askServer } from "../shared/class_server.js";
import { announce, element, find, findAll } from "../shared/elements.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

const CODE_LETTERS = 8;
const UNREACHED = "The server cannot be reached; try again.";

/**
 * @typedef {object} Data
 * @property {string} root - The app's address.
 * @property {string} address - The page's own.
 * @property {string} code - Of the link, or empty.
 * @property {string} secret - Of a teacher's link, or empty.
 * @property {string} days - How long a class is kept, in words.
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
  find(root, ".join").hidden = form.hidden = true;
  const once = find(root, ".once");
  once.hidden = false;
  const link = find(once, ".secret", HTMLInputElement);
  link.value = `${root.data.address}?teacher=${answer.secret}`;
  find(once, ".copy").onclick = () => copyLink(link, find(once, ".said"));
  find(once, ".on").onclick = () => location.replace(root.data.address);
  find(once, ".on").focus();
}

/**
 * @param {HTMLInputElement} link
 * @param {HTMLElement} status
 */
function copyLink(link, status) {
  link.select();
  announce(status, document.execCommand("copy") ? "Copied" : "Copy it by hand: it is selected.");
}

/** @param {Root} root */
async function comeBackAsTeacher(root) {
  const { status, answer } = await askServer(root.data.root, "teach", { secret: root.data.secret });
  if (status === 200) location.replace(root.data.address);
  else announce(find(root, ".start .said"), answer.error ?? UNREACHED);
}

/** @param {ComponentArguments<Data>} component */
export default function classDoor({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".door"));
  root.data = data;
  if (root.begun) return;
  root.begun = true;
  find(root, ".days").textContent = data.days;
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
  if (data.code) offerNames(root);
  else if (data.secret) comeBackAsTeacher(root);
  // Who comes by the address on the board came to type the code: all the sidebar's links are before it.
  else if (document.activeElement === document.body) code.focus({ preventScroll: true });
}
