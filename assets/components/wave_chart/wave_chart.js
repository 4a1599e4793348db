// Charts of one wave. A click or a tap places a point in all of them, on a point it takes it away;
// the points go to the server, which answers with new curves.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { chartMenu } from "../shared/chart_menu.js";
import { buildPanels, crossAt, labelPlot, listenToTaps, placeUnder, plotWithKeys, themed } from "../shared/chart_panels.js";
import { element, find } from "../shared/elements.js";
import { ARROWS } from "../shared/keys.js";
import { redrawWith } from "../shared/redrawing.js";

/** @import { ComponentArguments, Plot, Send, Trace } from "../shared/browser.js" */
/** @import { PanelData, Place } from "../shared/chart_panels.js" */

const NEAR_PX = 14; // a click so close to a point means that point
const NUDGE = 0.25; // of an axis, a press of an arrow key

/**
 * @typedef {object} Data
 * @property {string} revision - Another when the points change otherwise than by a click here.
 * @property {(PanelData & { note: string })[]} panels
 * @property {Place[]} points
 * @property {Place} range - Of x.
 * @property {number} maxPoints - With more, the oldest goes.
 * @property {string} pointsMeta - The meta of the trace that shows the points.
 * @property {string} crossColour
 */

/** @typedef {{ box: HTMLElement, plot: HTMLElement, note: HTMLElement, listening?: boolean }} Panel */

/**
 * @typedef {HTMLElement & {
 *   data: Data, send: Send, panels: Panel[], points: Place[], cross?: Place, width: ResizeObserver,
 * }} Root
 */

/** @param {Root} root */
function build(root) {
  root.panels = buildPanels(root, root.data.panels, (box, head, { title }) => {
    const note = element("span", "note");
    const plot = plotWithKeys(
      "Arrow keys move a cross, Enter places a point there, Delete removes the nearest",
    );
    head.append(note, ...chartMenu(head, () => /** @type {any} */ (plot), () => title));
    box.append(plot);
    return { box, plot, note };
  });
}

/**
 * A trace as it is, or with the points that are here now.
 *
 * @param {Root} root
 * @param {Trace} trace
 */
function current({ data, points }, trace) {
  if (trace.meta !== data.pointsMeta) return trace;
  return { ...trace, x: points.map(([x]) => x), y: points.map(([, y]) => y) };
}

/** @param {Root} root */
function redraw(root) {
  redrawWith(root, () => draw(root));
}

/** @param {Root} root */
async function draw(root) {
  const { data, cross } = root;
  for (const [i, panel] of root.panels.entries()) {
    const { figure, note, config } = data.panels[i];
    panel.note.textContent = note;
    const traces = figure.data.map((trace) => current(root, trace));
    if (cross) traces.push(crossAt(cross, data.crossColour));
    const layout = { ...themed(figure.layout, panel.box), width: panel.box.clientWidth, dragmode: false };
    await window.Plotly?.react(panel.plot, traces, layout, config);
    labelPlot(panel.plot, data.panels[i]);
    if (!panel.listening) listen(root, panel);
  }
}

/**
 * @param {Root} root
 * @param {Panel} panel - Drawn once: from then on its element is Plotly's.
 */
function listen(root, panel) {
  panel.listening = true;
  const plot = /** @type {Plot} */ (panel.plot);
  plot.addEventListener("keydown", (event) => onKey(root, plot, event));
  listenToTaps(plot, (event) => {
    const place = placeUnder(plot, event);
    if (place) toggle(root, plot, place);
  });
}

/**
 * The index of the point nearest to a place and how many pixels away it is.
 *
 * @param {Root} root
 * @param {Plot} plot
 * @param {Place} place
 */
function nearest(root, plot, [x, y]) {
  const { xaxis, yaxis } = plot._fullLayout;
  const distances = root.points.map(([a, b]) =>
    Math.hypot(xaxis.d2p(a) - xaxis.d2p(x), yaxis.d2p(b) - yaxis.d2p(y)),
  );
  const distance = Math.min(...distances); // of no points Infinity
  return { index: distances.indexOf(distance), distance };
}

/**
 * Remove the point at a place, or put one there.
 *
 * @param {Root} root
 * @param {Plot} plot
 * @param {Place} place
 */
function toggle(root, plot, [x, y]) {
  const { index, distance } = nearest(root, plot, [x, y]);
  if (distance <= NEAR_PX) {
    remove(root, index);
    return;
  }
  const [low, high] = root.data.range;
  const rounded = (/** @type {number} */ value) => Number(value.toFixed(3));
  /** @type {Place} */
  const placed = [rounded(Math.min(Math.max(x, low), high)), rounded(y)];
  change(root, [...root.points, placed].slice(-root.data.maxPoints), `Point placed at ${placed.join(", ")}`);
}

/**
 * @param {Root} root
 * @param {number} index
 */
function remove(root, index) {
  const [x, y] = root.points[index];
  change(root, root.points.filter((_, i) => i !== index), `Point at ${x}, ${y} removed`);
}

/**
 * @param {Root} root
 * @param {Place[]} points
 * @param {string} words
 */
function change(root, points, words) {
  root.points = points;
  const count = points.length === 1 ? "1 point" : `${points.length} points`;
  find(root, ".announcement").textContent = `${words}; ${count} now.`;
  redraw(root);
  root.send("points", { revision: root.data.revision, points });
}

/**
 * @param {Root} root
 * @param {Plot} plot
 * @param {KeyboardEvent} event
 */
function onKey(root, plot, event) {
  const [x, y] = root.cross ?? [0, 0];
  if (event.key in ARROWS) {
    const [right, up] = ARROWS[event.key];
    root.cross = [x + right * NUDGE, y + up * NUDGE];
    find(root, ".announcement").textContent = root.cross.join(", ");
    redraw(root);
  } else if (event.key === "Enter") toggle(root, plot, [x, y]);
  else if (event.key === "Delete" || event.key === "Backspace") {
    if (root.points.length) remove(root, nearest(root, plot, [x, y]).index);
  } else return;
  event.preventDefault();
}

/** @param {ComponentArguments<Data>} component */
export default function waveChart({ parentElement, data, setTriggerValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".maml-wave"));
  const before = /** @type {Data | undefined} */ (root.data);
  root.data = data;
  root.send = setTriggerValue;
  if (!before) build(root);
  // Clicks may be on their way to the server: its points count when something else changed them.
  if (before?.revision !== data.revision) root.points = data.points;
  root.width ??= new ResizeObserver(() => redraw(root));
  root.width.observe(root);
  root.dataset.revision = data.revision;
  redraw(root);
}
