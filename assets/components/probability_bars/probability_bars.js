// How likely each method holds each class, as bars that move from inner step to inner step. All
// steps came with the answer, so nothing is asked of the server while it plays.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { element, find, findAll } from "../shared/elements.js";
import { Stepper } from "../shared/stepping.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

// From here on a share is written without a decimal: "9.9 %", "10 %".
const WHOLE_PERCENT_FROM = 0.0995;

/**
 * @typedef {object} Method
 * @property {string} label
 * @property {string} words - The label and its learning rate.
 * @property {string} colour
 * @property {boolean} dashed
 * @property {number[][] | null} probabilities - By step and class; null: nothing is asked yet.
 */

/**
 * @typedef {object} Data
 * @property {string[]} letters
 * @property {string[]} pictures
 * @property {Method[]} methods
 * @property {number} steps - The last one.
 * @property {string} verdict
 * @property {boolean} foreign - The query belongs to none of the classes.
 * @property {number} asked - The query's strokes.
 */

/**
 * @typedef {HTMLElement & {
 *   data: Data, stepper: Stepper, shape: string, lines: HTMLElement[][],
 * }} Root
 */

/** @param {Method} method */
function barOf(method) {
  const track = element("div", "track");
  track.append(element("div", "bar"));
  track.style.setProperty("--method", method.colour);
  track.classList.toggle("dashed", method.dashed);
  return track;
}

/** @param {Root} root */
function build(root) {
  const { data } = root;
  root.lines = data.letters.map((letter) =>
    data.methods.map((method) => {
      const line = element("div", "line");
      line.append(barOf(method), element("span", "percent"));
      line.title = `${method.label}: ${letter}`;
      return line;
    }),
  );
  const classes = data.letters.map((letter, label) => {
    const box = element("div", "class");
    const picture = element("img");
    picture.alt = `Example of class ${letter}`;
    const lines = element("div");
    lines.append(...root.lines[label]);
    box.append(element("b", "", letter), picture, lines);
    return box;
  });
  find(root, ".classes").replaceChildren(...classes);
  const methods = data.methods.map((method) => {
    const name = element("span", "method");
    name.append(barOf(method), element("span", "", method.words));
    return name;
  });
  find(root, ".methods").replaceChildren(...methods);
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(share < WHOLE_PERCENT_FROM ? 1 : 0)} %`;
}

/**
 * @param {Root} root
 * @param {number} step
 */
function show(root, step) {
  const { data } = root;
  data.methods.forEach((method, m) => {
    const shares = method.probabilities?.[step];
    const highest = shares && Math.max(...shares);
    root.lines.forEach((lines, label) => {
      find(lines[m], ".bar").style.width = `${100 * (shares?.[label] ?? 0)}%`;
      find(lines[m], ".percent").textContent = shares ? percent(shares[label]) : "";
      const isAnswer = step > 0 || data.steps === 0;
      lines[m].classList.toggle("top", isAnswer && shares !== undefined && shares[label] === highest);
    });
  });
  root.stepper.name(data.steps ? `Inner step ${step} of ${data.steps}` : "Without an inner step");
}

/** @param {ComponentArguments<Data>} component */
export default function probabilityBars({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".bars"));
  const before = /** @type {Data | undefined} */ (root.data);
  root.data = data;
  root.stepper ??= new Stepper(root, (step) => show(root, step), {
    buttons: ["play"],
    slider: "Inner step",
  });
  const { stepper } = root;
  const atEnd = !before || (stepper.step === before.steps && !stepper.playing);
  const shape = JSON.stringify([data.letters, data.methods.map((one) => [one.label, one.words])]);
  if (root.shape !== shape) build(root);
  root.shape = shape;
  findAll(root, ".class img").forEach((picture, label) => {
    picture.setAttribute("src", data.pictures[label]);
  });
  const verdict = find(root, ".verdict");
  if (verdict.textContent !== data.verdict) {
    const end = data.verdict.indexOf(". ") + 1 || data.verdict.length;
    verdict.replaceChildren(element("strong", "", data.verdict.slice(0, end)), data.verdict.slice(end));
  }
  verdict.classList.toggle("none", data.foreign);
  root.classList.toggle("foreign", data.foreign);
  stepper.reset(data.steps, atEnd ? data.steps : stepper.step);
  root.dataset.asked = String(data.asked);
}
