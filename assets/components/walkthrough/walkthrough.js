// Steps through one meta-update: the algorithm's line, the code that does it, and its numbers.
// All steps came with the page, so nothing is asked of the server. The Plotly chart of the page
// that is named in data.chart carries one frame a step.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { keepFrames } from "../shared/chart_frames.js";
import { element, find, findAll, image } from "../shared/elements.js";
import { Stepper } from "../shared/stepping.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

const MANY = 6; // pictures from which on they are drawn small

/** @typedef {{ source: string, words: string }} Picture */
/** @typedef {{ label: string, share: number, text: string }} Bar */
/** @typedef {{ pictures?: Picture[], bars?: Bar[] } | string | null} CellContent */
/** @typedef {{ title: string, note: string, lines: number[], code: number, marked: number[] }} Step */

/**
 * @typedef {object} Data
 * @property {string} revision
 * @property {string | null} chart
 * @property {{ number: number, depth: number, text: string }[]} lines - Of the algorithm.
 * @property {{ file: string, first: number, lines: string[] }[]} codes
 * @property {Step[]} steps
 * @property {string[]} columns
 * @property {{ step: number, label: string, cells: CellContent[] }[]} rows
 */

/** @typedef {HTMLElement & { data: Data, stepper: Stepper }} Root */

/** @param {Picture[]} all */
function pictures(all) {
  const box = element("div", all.length >= MANY ? "pictures many" : "pictures");
  box.append(...all.map(({ source, words }) => image(source, words)));
  return box;
}

/** @param {Bar[]} all */
function bars(all) {
  const box = element("div", "bars");
  for (const { label, share, text } of all) {
    const bar = element("b");
    bar.style.width = `${100 * share}%`;
    const layer = element("div", "layer");
    layer.append(element("span", "", label), bar, element("span", "", text));
    box.append(layer);
  }
  return box;
}

/** @param {CellContent} content */
function cell(content) {
  const made = element("td");
  if (content === null || typeof content === "string") made.textContent = content ?? "";
  else if (content.pictures) made.append(pictures(content.pictures));
  else if (content.bars) made.append(bars(content.bars));
  return made;
}

/** @param {Data["lines"][number]} line */
function algorithmLine({ number, depth, text }) {
  const made = element("li");
  made.style.setProperty("--depth", String(depth));
  const words = element("span");
  // What split() finds between the texts are the characters after a _.
  words.append(...text.split(/_(.)/u).map((part, i) => (i % 2 ? element("sub", "", part) : part)));
  made.append(element("i", "", number), words);
  return made;
}

/** @param {Data["rows"][number]} row */
function tableRow({ label, cells }) {
  const made = element("tr");
  const name = element("th", "", label);
  name.scope = "row";
  made.append(name, ...cells.map(cell));
  return made;
}

/** @param {Root} root */
function build(root) {
  const { data } = root;
  find(root, ".lines").replaceChildren(...data.lines.map(algorithmLine));
  find(root, ".numbers").style.setProperty("--columns", String(data.columns.length));
  const head = element("tr");
  head.append(element("th"), ...data.columns.map((name) => element("th", "", name)));
  find(root, ".numbers thead").replaceChildren(head);
  find(root, ".numbers tbody").replaceChildren(...data.rows.map(tableRow));
}

/**
 * @param {Root} root
 * @param {Step} step
 */
function showCode(root, { code, marked }) {
  const { file, first, lines } = root.data.codes[code];
  find(root, ".file").textContent = `Our code: ${file}, from line ${first}`;
  const box = find(root, ".code");
  box.replaceChildren(
    ...lines.map((text, i) => element("div", marked.includes(i) ? "current" : "", text || " ")),
  );
  const [current] = findAll(box, ".current");
  const above = box.clientHeight / 3; // lines that stay in view above the current one
  const overflows = box.scrollHeight > box.clientHeight;
  box.scrollTop = overflows && current ? current.offsetTop - box.offsetTop - above : 0;
}

/** @param {Root} root */
function showRows(root) {
  const { step } = root.stepper;
  const all = find(root, ".all", HTMLInputElement).checked;
  findAll(root, ".numbers tbody tr").forEach((row, i) => {
    const since = root.data.rows[i].step;
    row.hidden = all ? since > step : since !== step;
    row.classList.toggle("current", all && since === step);
  });
}

/**
 * @param {Root} root
 * @param {number} step
 */
function show(root, step) {
  const { data } = root;
  const { title, note, lines } = data.steps[step];
  find(root, ".title").textContent = title;
  find(root, ".note").textContent = note;
  findAll(root, ".lines li").forEach((line, i) => {
    line.classList.toggle("current", lines.includes(data.lines[i].number));
  });
  showCode(root, data.steps[step]);
  showRows(root);
  root.stepper.name(`Step ${step + 1} of ${data.steps.length}`);
  moveChart(root);
}

/** @param {Root} root */
function moveChart(root) {
  const { chart } = root.data;
  keepFrames(root, chart ? [chart] : []);
}

/** @param {Root} root */
function listen(root) {
  root.stepper = new Stepper(root, (step) => show(root, step), {
    buttons: ["rewind", "back", "forward", "last"],
    keys: true,
  });
  find(root, ".all").onchange = () => showRows(root);
}

/** @param {ComponentArguments<Data>} component */
export default function walkthrough({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".algorithm"));
  const before = /** @type {Data | undefined} */ (root.data);
  root.data = data;
  if (!before) listen(root);
  if (before?.revision === data.revision) {
    moveChart(root);
    return;
  }
  root.dataset.revision = data.revision;
  build(root);
  // Another batch or step size: the same line of the algorithm, with other numbers.
  root.stepper.reset(data.steps.length - 1, root.stepper.step);
}
