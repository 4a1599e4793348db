// What a pupil predicts, chooses or writes, and the button that hands it in: without a run of the page,
// so that it works while the network is away.

import { ACTIVITY, HANDED_IN, outbox, putIntoOutbox, REFUSED } from "../shared/class_server.js";
import { announce, element, find, findAll } from "../shared/elements.js";

/** @import { ComponentArguments, Send } from "../shared/browser.js" */

const MAX_LETTERS = 2000;
const MISSING = { percent: "Move every slider first.", choice: "Choose one first.", text: "Write something first." };

/**
 * @typedef {object} Field
 * @property {string} name - In what is handed in; of the only field empty, whose value that is.
 * @property {string} label
 * @property {"percent" | "choice" | "text"} type
 * @property {string} [group] - Fields of one group stand together, under its name.
 * @property {string[]} [choices]
 *
 * @typedef {object} Data
 * @property {{ who: number, kind: string, subject: string }} handIn
 * @property {Field[]} fields
 * @property {unknown} handed - What the server has of it, or null.
 * @property {string} open - What is said once it is handed in.
 * @property {string} closed - Why nothing can be handed in any more; empty: it can.
 *
 * @typedef {HTMLFormElement & {
 *   data: Data, trigger: Send, shape?: string, values: Map<string, unknown>, sent?: unknown, told?: boolean
 * }} Root
 */

/** @param {Root} root */
function draftKey({ data: { handIn } }) {
  return `maml-draft ${handIn.who} ${handIn.kind} ${handIn.subject}`;
}

/** @param {Root} root - What was begun in this tab and not handed in, or null. */
function draft(root) {
  try {
    return JSON.parse(sessionStorage.getItem(draftKey(root)) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Root} root */
function keepDraft(root) {
  try {
    sessionStorage.setItem(draftKey(root), JSON.stringify(content(root)));
  } catch {
    // The browser forbids it or is full: a reload loses it.
  }
}

/** @param {Root} root - What has not come to the class yet, if there is something. */
function onItsWay({ data: { handIn } }) {
  return outbox().find(
    (one) => one.who === handIn.who && one.kind === handIn.kind && one.subject === handIn.subject,
  );
}

/** @param {Root} root - What is handed in or on its way, or null. */
function handed(root) {
  return root.sent ?? onItsWay(root)?.content ?? root.data.handed ?? null;
}

/** @param {Root} root - The fields' values as they are handed in. */
function content(root) {
  const { fields } = root.data;
  if (fields.length === 1 && !fields[0].name) return root.values.get("") ?? null;
  return Object.fromEntries(fields.map(({ name }) => [name, root.values.get(name)]));
}

/** @param {Root} root - The first field without a value, if there is one. */
function missing(root) {
  return root.data.fields.find(({ name }) => String(root.values.get(name) ?? "").trim() === "");
}

/**
 * @param {Root} root
 * @param {string} name
 * @param {unknown} value
 */
function setValue(root, name, value) {
  root.values.set(name, value);
  keepDraft(root);
  mark(root);
}

/** @param {Root} root */
function build(root) {
  const { fields } = root.data;
  const known = (root.data.closed ? null : draft(root)) ?? handed(root);
  root.values = new Map();
  for (const { name } of fields) {
    const value = name ? known?.[name] : known;
    if (value !== undefined && value !== null) root.values.set(name, value);
  }
  const groups = new Map();
  for (const field of fields) {
    const group = field.group ?? field.label;
    if (!groups.has(group)) {
      groups.set(group, element("fieldset"));
      if (field.type !== "text") groups.get(group).append(element("legend", "", group));
    }
    groups.get(group).append(...MAKERS[field.type](root, field));
  }
  find(root, ".fields").replaceChildren(...groups.values());
}

/**
 * @param {Root} root
 * @param {Field} field
 * @returns {HTMLElement[]}
 */
function percentField(root, { name, label }) {
  const made = element("label", "percent");
  const input = element("input");
  const value = root.values.get(name);
  Object.assign(input, { type: "range", min: 0, max: 100, step: 1, value: value ?? 50 });
  const output = element("output", "", value === undefined ? "– %" : `${value} %`);
  const take = () => {
    output.textContent = `${input.value} %`;
    setValue(root, name, Number(input.value));
  };
  input.oninput = take;
  input.onpointerup = take; // who wants what it stands at only taps it
  made.append(element("span", "name", label), input, output);
  return [made];
}

/**
 * @param {Root} root
 * @param {Field} field
 * @returns {HTMLElement[]}
 */
function choiceField(root, { name, choices = [] }) {
  return choices.map((choice) => {
    const made = element("label", "choice");
    const input = element("input");
    Object.assign(input, { type: "radio", name: `field ${name}`, checked: root.values.get(name) === choice });
    input.onchange = () => setValue(root, name, choice);
    made.append(input, element("span", "", choice));
    return made;
  });
}

/**
 * @param {Root} root
 * @param {Field} field
 * @returns {HTMLElement[]}
 */
function textField(root, { name, label }) {
  const made = element("label", "text");
  const area = element("textarea");
  Object.assign(area, { rows: 4, maxLength: MAX_LETTERS, value: root.values.get(name) ?? "" });
  area.oninput = () => setValue(root, name, area.value);
  made.append(element("span", "name", label), area);
  return [made];
}

const MAKERS = { percent: percentField, choice: choiceField, text: textField };

/** @param {Root} root */
function mark(root) {
  const { data } = root;
  const before = handed(root);
  const isSame = before !== null && JSON.stringify(before) === JSON.stringify(content(root));
  const button = find(root, ".send", HTMLButtonElement);
  for (const field of findAll(root, ".fields :is(input, textarea)")) {
    field.toggleAttribute("disabled", data.closed !== "");
  }
  button.hidden = data.closed !== "";
  button.setAttribute("aria-disabled", String(isSame));
  button.textContent = isSame ? "Handed in" : before === null ? "Hand in" : "Hand in the change";
  const came = onItsWay(root) ? "On its way to the class …" : data.open;
  announce(find(root, ".said"), data.closed || (isSame ? came : ""));
}

/** @param {Root} root */
function send(root) {
  if (root.data.closed) return;
  const gap = missing(root);
  if (gap) {
    announce(find(root, ".said"), MISSING[gap.type]);
    return;
  }
  root.sent = content(root);
  putIntoOutbox({ ...root.data.handIn, content: root.sent });
  mark(root);
}

/**
 * @param {Root} root
 * @param {{ kind: string, subject: string }} one
 */
function isOwn(root, one) {
  return one.kind === root.data.handIn.kind && one.subject === root.data.handIn.subject;
}

/**
 * @param {Root} root - Hears of it while it is on the page.
 * @param {string} name
 * @param {(detail: any) => void} hear
 */
function listen(root, name, hear) {
  const heard = (/** @type {Event} */ event) => {
    if (!root.isConnected) removeEventListener(name, heard);
    else hear(event instanceof CustomEvent ? event.detail : null);
  };
  addEventListener(name, heard);
}

/** @param {Root} root */
function begin(root) {
  root.onsubmit = (event) => {
    event.preventDefault();
    send(root);
  };
  listen(root, HANDED_IN, () => mark(root));
  listen(root, REFUSED, (refused) => {
    if (!isOwn(root, refused)) return;
    root.sent = undefined;
    mark(root);
    announce(find(root, ".said"), refused.error);
    root.trigger("revealed", true);
  });
  listen(root, ACTIVITY, (activity) => {
    if (!activity?.revealed || activity.link !== root.data.handIn.subject || root.told) return;
    root.told = true;
    root.trigger("revealed", true);
  });
}

/** @param {ComponentArguments<Data>} component */
export default function handInForm({ parentElement, data, setTriggerValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".hand-in", HTMLFormElement));
  const isNew = root.data === undefined;
  root.data = data;
  root.trigger = setTriggerValue;
  const shape = JSON.stringify([data.handIn, data.fields, data.closed !== ""]);
  if (shape !== root.shape) {
    root.shape = shape;
    root.sent = root.told = undefined;
    build(root);
  }
  if (isNew) begin(root);
  mark(root);
}
