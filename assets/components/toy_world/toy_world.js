// A toy world: θ is dragged here, and everything follows at once. The tasks, and what an update of
// each method does to θ (a matrix and an offset), came with the page; of θ only its last place is
// sent, when it is let go.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { element, find } from "../shared/elements.js";
import { Stepper } from "../shared/stepping.js";
import { lossAfter, minimiser } from "./arithmetic.js";
import { KEY_STEP, handleOf, listenToPointer } from "./dragging.js";
import { GRAIN, drawGround, drawMoving } from "./drawing.js";
import { number, panelOf, thetaInWords } from "./plot_panel.js";
import { buildScores, showScores, showWords, stepsInWords } from "./score_table.js";

/** @import { ComponentArguments, Send, Vector } from "../shared/browser.js" */
/** @import { Data } from "./arithmetic.js" */
/** @import { Drag } from "./dragging.js" */
/** @import { Panel } from "./plot_panel.js" */

const PLAY_MS = 4000; // from the first meta-update to the last

/**
 * @typedef {object} State
 * @property {Data} data
 * @property {Send} send
 * @property {Stepper} stepper - Through the meta-updates.
 * @property {ResizeObserver} width
 * @property {Panel[]} panels - The tasks; the objectives.
 * @property {Vector} theta
 * @property {string} sent - The θ that was sent last.
 * @property {Vector | null} best
 * @property {Set<string>} visited - Each θ where the person has been.
 * @property {boolean} revealed - The curves and the methods are shown.
 * @property {Vector[][]} paths - Of each method, from θ.
 * @property {number} worst - The loss of a full bar.
 * @property {Drag | null} drag
 */

/** @typedef {HTMLElement & State} Root */

/**
 * A piece of the line of the method that minimises an objective.
 *
 * @param {Data} data
 * @param {"before" | "after"} objective
 */
function lineSample(data, objective) {
  const made = element("i", objective);
  made.style.borderColor = minimiser(data, objective).colour;
  return made;
}

/** @param {Data} data */
function captions(data) {
  const steps = stepsInWords(data);
  return [
    [`The tasks: where ${steps} of descent from θ lead on each of them`],
    [
      ...["Mean loss of all tasks: ", lineSample(data, "before"), " at θ itself, "],
      ...[lineSample(data, "after"), ` after ${steps} on each task`],
    ],
  ];
}

/** @param {Root} root */
function build(root) {
  const { data } = root;
  const onLine = data.theta.length === 1;
  root.classList.toggle("one", onLine);
  root.classList.toggle("two", !onLine);
  const moves = {
    move: (/** @type {Vector} */ theta) => move(root, theta),
    release: () => sendTheta(root),
  };
  root.panels = captions(data).map((caption, i) => {
    const panel = panelOf(caption, handleOf(root, i === 0, moves));
    // On one axis one handle is enough, and the methods would hide behind a second.
    if (!onLine || i === 0) panel.plot.append(panel.handle);
    listenToPointer(root, panel, moves);
    return panel;
  });
  find(root, ".plots").replaceChildren(...root.panels.map(({ figure }) => figure));
  buildScores(root);
}

/** @param {Root} root */
function redrawAll(root) {
  if (!root.clientWidth) return;
  drawGround(root);
  redraw(root);
}

/**
 * Show θ, and where the methods are.
 *
 * @param {Root} root
 */
function redraw(root) {
  const { data, theta, panels, stepper } = root;
  if (!panels[0].frame) return;
  drawMoving(root);
  const [{ handle }] = panels;
  handle.setAttribute("aria-valuenow", String(theta[0]));
  const loss = number(lossAfter(data, theta), 3);
  handle.setAttribute("aria-valuetext", `θ = ${thetaInWords(theta)}, mean loss after adapting ${loss}`);
  root.dataset.theta = theta.join();
  stepper.name(`Meta-update ${stepper.step} of ${data.updates}`);
  showScores(root);
  showWords(root);
}

/**
 * @param {Root} root
 * @param {Vector} theta
 */
function move(root, theta) {
  const { data } = root;
  const before = root.theta;
  const within = (/** @type {number} */ value) => Math.min(data.reach, Math.max(-data.reach, value));
  root.theta = theta.map((one) => Number(within(one).toFixed(2))); // in grains
  visit(root, before);
  if (!root.best || lossAfter(data, root.theta) < lossAfter(data, root.best)) root.best = root.theta;
  redraw(root);
}

/**
 * While θ is dragged, what lies between two places has been passed.
 *
 * @param {Root} root
 * @param {Vector} before
 */
function visit(root, before) {
  const { theta } = root;
  if (theta.length === 2) {
    root.visited.add(theta.map((one) => one.toFixed(1)).join()); // not a dot on each pixel
    return;
  }
  const way = theta[0] - before[0];
  const passed = root.drag?.moving || Math.abs(way) < 2 * KEY_STEP ? Math.round(Math.abs(way) / GRAIN) : 0;
  for (let i = 0; i < passed; i += 1) root.visited.add((before[0] + (way * i) / passed).toFixed(2));
  root.visited.add(theta[0].toFixed(2));
}

/** @param {Root} root */
function sendTheta(root) {
  const text = root.theta.join();
  if (text === root.sent) return;
  root.sent = text;
  root.send("theta", root.theta);
}

/** @param {Root} root */
function listen(root) {
  /** @param {number} update */
  const show = (update) => {
    if (update || root.stepper.playing) root.revealed = true;
    redraw(root);
  };
  root.stepper = new Stepper(root, show, {
    buttons: ["play", "rewind"],
    slider: "Meta-update",
    // Slowly at first, when the way of an update is longest.
    startMs: (update, last) => PLAY_MS * Math.sqrt(update / last),
  });
  const { play, rewind } = root.stepper.buttons;
  play.append(element("span", "", "Let the methods find theirs"));
  play.removeAttribute("aria-label"); // its text says it
  rewind.title = "Back to your θ";
  rewind.setAttribute("aria-label", "Rewind: the methods back to your θ");
  root.width = new ResizeObserver(() => redrawAll(root));
}

/** @param {ComponentArguments<Data>} component */
export default function toyWorld({ parentElement, data, setTriggerValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".toy"));
  const before = /** @type {Data | undefined} */ (root.data);
  Object.assign(root, { data, send: setTriggerValue });
  if (!before) listen(root);
  root.style.setProperty("--you", data.you.colour);
  const isOther = before?.revision !== data.revision;
  const isNewWorld = before?.world !== data.world || before.byHand !== data.byHand;
  // θ is the person's: what comes back of it is older.
  if (before?.theta.length !== data.theta.length) {
    Object.assign(root, { theta: data.theta, sent: data.theta.join() });
  }
  if (isNewWorld) root.revealed = !data.byHand;
  if (!isOther && !isNewWorld) return;
  if (isOther) Object.assign(root, { best: null, visited: new Set() });
  root.drag = null;
  build(root);
  if (isNewWorld) root.stepper.stop();
  const first = data.byHand ? 0 : data.updates;
  root.stepper.reset(data.updates, isNewWorld ? first : root.stepper.step);
  root.width.observe(root);
  redrawAll(root);
  root.dataset.revision = data.revision;
}
