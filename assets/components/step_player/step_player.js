// Plays an adaptation through its inner steps: the query pictures here, and the Plotly charts of
// the page named in data.charts, which carry one frame a step. All steps came with the page, so
// nothing is asked of the server while it plays.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { keepFrames } from "../shared/chart_frames.js";
import { showPictures } from "../shared/chart_pictures.js";
import { element, find, image } from "../shared/elements.js";
import { leadOthers, tellStep } from "../shared/linked_steps.js";
import { Stepper } from "../shared/stepping.js";

/** @import { ComponentArguments, Send } from "../shared/browser.js" */

/**
 * @typedef {object} Data
 * @property {string} revision
 * @property {boolean} predict - Report when the last step has been reached.
 * @property {number} opensAt - The step that is shown first.
 * @property {string[]} charts
 * @property {number} steps - The last one.
 * @property {string[]} names - Of the steps.
 * @property {string[]} letters
 * @property {string[]} classes
 * @property {{ picture: string, caption: string }[][]} support - Of each class its examples.
 * @property {string[]} pictures
 * @property {string[]} captions
 * @property {number[]} truth
 * @property {Method[]} methods
 */

/**
 * @typedef {object} Method
 * @property {string} label
 * @property {string} colour
 * @property {string} ink
 * @property {(number[] | null)[]} predictions - By step; null: not to be seen yet.
 */

/**
 * @typedef {HTMLElement & {
 *   data: Data, send: Send, stepper: Stepper, finished: boolean,
 *   chips: HTMLElement[][], scores: HTMLElement[],
 * }} Root
 */

/**
 * A query picture with each method's answer under it.
 *
 * @param {Root} root
 * @param {number} number
 */
function tile(root, number) {
  const { data } = root;
  const box = element("div", "tile");
  const answers = element("div", "answers");
  root.chips[number] = data.methods.map((method) => {
    const chip = element("span", "chip");
    chip.style.setProperty("--method", method.colour);
    chip.style.setProperty("--ink", method.ink);
    return chip;
  });
  answers.append(...root.chips[number]);
  box.append(image(data.pictures[number], data.captions[number]), answers);
  return box;
}

/**
 * The support pictures of a class, small: what the methods adapt to.
 *
 * @param {Data} data
 * @param {number} label
 */
function examples(data, label) {
  const box = element("div", "examples");
  const words = `Support of ${data.letters[label]}`;
  box.append(...data.support[label].map((one) => image(one.picture, `${words}: ${one.caption}`)));
  return box;
}

/** @param {Root} root */
function build(root) {
  const { data } = root;
  root.chips = [];
  const lines = data.methods.map((method) => {
    const line = element("span", "method");
    line.style.setProperty("--method", method.colour);
    line.append(element("i", "dot"), element("span", "", method.label), element("b"));
    return line;
  });
  root.scores = lines.map((line) => find(line, "b"));
  find(root, ".score").replaceChildren(...lines);
  const perClass = data.pictures.length / data.classes.length;
  const rows = data.classes.map((name, label) => {
    const row = element("div", "row");
    const head = element("div", "head");
    head.append(element("b", "", data.letters[label]), element("span", "", name), examples(data, label));
    const tiles = element("div", "tiles");
    tiles.style.setProperty("--columns", String(perClass));
    for (let i = 0; i < perClass; i += 1) tiles.append(tile(root, label * perClass + i));
    row.append(head, tiles);
    return row;
  });
  find(root, ".rows").replaceChildren(...rows);
}

/**
 * @param {Root} root
 * @param {number} step
 */
function show(root, step) {
  const { data } = root;
  const right = data.methods.map(() => 0);
  root.chips.forEach((chips, number) => {
    chips.forEach((chip, m) => {
      const answers = data.methods[m].predictions[step];
      if (!answers) {
        chip.textContent = chip.title = "";
        chip.className = "chip";
        return;
      }
      const answer = answers[number];
      const isRight = answer === data.truth[number];
      right[m] += Number(isRight);
      chip.textContent = data.letters[answer];
      chip.className = isRight ? "chip right" : "chip wrong";
      chip.title = `${data.methods[m].label}: ${data.letters[answer]}, ${isRight ? "right" : "wrong"}`;
    });
  });
  root.scores.forEach((count, m) => {
    const isSeen = data.methods[m].predictions[step] !== null;
    count.textContent = isSeen ? `${right[m]} / ${data.truth.length}` : "";
  });
  root.stepper.name(data.names[step]);
  keepFrames(root, data.charts);
  tellStep(root, root.stepper);
  if (step === data.steps && !root.finished) {
    root.finished = true;
    if (data.predict) root.send("finished", data.revision);
  }
}

/**
 * A picture by its number, the queries first, then the support set.
 *
 * @param {Data} data
 * @param {number} number
 */
function pictured({ pictures, captions, truth, letters, support }, number) {
  if (number < pictures.length) {
    return { source: pictures[number], words: `Query of ${letters[truth[number]]}: ${captions[number]}` };
  }
  const label = Math.floor((number - pictures.length) / support[0].length);
  const example = support.flat()[number - pictures.length];
  if (!example) return undefined;
  return { source: example.picture, words: `Support of ${letters[label]}: ${example.caption}` };
}

/**
 * The step at which new contents open: who looks at a step stays there, at the last sees the last.
 *
 * @param {Root} root
 * @param {Data | undefined} before - What was shown until now.
 */
function firstStep(root, before) {
  const { data, stepper } = root;
  if (!before || before.predict || data.predict) return data.opensAt;
  return stepper.step === before.steps ? data.steps : stepper.step;
}

/** @param {ComponentArguments<Data>} component */
export default function stepPlayer({ parentElement, data, setStateValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".player"));
  const before = root.data;
  const isNew = before?.revision !== data.revision;
  root.data = data;
  root.send = setStateValue;
  if (!root.stepper) {
    root.stepper = new Stepper(root, (step) => show(root, step), {
      buttons: ["rewind", "back", "play", "forward", "last"],
      slider: "Inner step",
      onPlaying: () => tellStep(root, root.stepper),
    });
    leadOthers(root, root.stepper);
    showPictures(root, () => root.data.charts, (number) => pictured(root.data, number));
  }
  if (!isNew) {
    keepFrames(root, data.charts);
    return;
  }
  root.stepper.stop();
  root.finished = false;
  root.dataset.revision = data.revision;
  build(root);
  root.stepper.reset(data.steps, firstStep(root, before));
}
