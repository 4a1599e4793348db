// Maps of the loss: what a person turned or zoomed is kept when the data change. The paths' points
// are revealed here, step by step; clicks, and the part of the plane that is looked at, go to the
// server.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { chartMenu } from "../shared/chart_menu.js";
import { buildPanels, crossAt, labelPlot, listenToTaps, placeUnder, plotWithKeys, themed } from "../shared/chart_panels.js";
import { button, element, find } from "../shared/elements.js";
import { ARROWS } from "../shared/keys.js";
import { redrawWith } from "../shared/redrawing.js";
import { Stepper } from "../shared/stepping.js";

/** @import { ComponentArguments, Figure, Plot, Send, Trace } from "../shared/browser.js" */
/** @import { PanelData, Place } from "../shared/chart_panels.js" */

const ZOOM = 2;
const NUDGE = 0.04; // of the window, a press of an arrow key
const MAX_SIDE = 480; // pixels

/** @typedef {"contour" | "surface"} View */
/** @typedef {{ x: number, y: number, half: number }} MapWindow */

/**
 * @typedef {object} Data
 * @property {PanelData[]} panels
 * @property {MapWindow} window - The part of the plane that is shown.
 * @property {View} view
 * @property {number} steps - The paths' last one.
 * @property {string} paths - Another when the paths are.
 * @property {string} pathMeta - The meta of the traces that are revealed step by step.
 * @property {string} crossColour
 */

/**
 * @typedef {object} Panel
 * @property {string} name
 * @property {HTMLElement} box
 * @property {Record<View, HTMLElement>} plots
 * @property {Set<View>} listening
 * @property {Place | null} cross
 * @property {Place | null} hovered - Where the pointer is on the surface.
 */

/**
 * @typedef {HTMLElement & {
 *   data: Data, send: Send, panels: Panel[], stepper: Stepper, width: ResizeObserver,
 * }} Root
 */

/** @param {Root} root */
function build(root) {
  root.panels = buildPanels(root, root.data.panels, (box, head, { name, title }) => {
    head.append(
      button("", "Zoom out", "−", () => zoom(root, ZOOM)),
      button("", "Zoom in", "+", () => zoom(root, 1 / ZOOM)),
      button("", "Show all", "⤢", () => root.send("look", {})),
    );
    const contour = plotWithKeys("Arrow keys move a cross, Enter starts a descent there");
    contour.classList.add("contour");
    const surface = element("div", "plot surface hidden");
    const plot = () => /** @type {any} */ (root.data.view === "surface" ? surface : contour);
    head.append(...chartMenu(head, plot, () => title, { zooms: false }));
    box.append(contour, surface);
    return { name, box, plots: { contour, surface }, listening: new Set(), cross: null, hovered: null };
  });
}

/**
 * A map is square: what its margins leave of the panel's width is its height, too.
 *
 * @param {Panel} panel
 * @param {Figure} figure
 * @param {View} view
 */
function layoutOf(panel, { layout }, view) {
  const { margin } = layout;
  const across = margin.l + margin.r;
  const side = Math.min(panel.box.clientWidth - across, MAX_SIDE);
  const flat = matchMedia("(pointer: coarse)").matches ? false : "zoom";
  return {
    ...themed(layout, panel.box),
    width: side + across,
    height: side + margin.t + margin.b,
    dragmode: view === "surface" ? "turntable" : flat,
  };
}

/**
 * A path up to the step that is shown; other traces as they are.
 *
 * @param {Root} root
 * @param {Trace} trace
 */
function upToStep({ data, stepper }, trace) {
  if (trace.meta !== data.pathMeta) return trace;
  const shown = { ...trace };
  for (const key of ["x", "y", "z", "text", "customdata"]) {
    const values = trace[key];
    if (Array.isArray(values)) shown[key] = values.slice(0, stepper.step + 1);
  }
  return shown;
}

/** @param {Root} root */
function redraw(root) {
  redrawWith(root, () => draw(root));
}

/** @param {Root} root */
async function draw(root) {
  const { data } = root;
  for (const [i, panel] of root.panels.entries()) {
    for (const view of /** @type {View[]} */ (["contour", "surface"])) {
      const plot = panel.plots[view];
      plot.classList.toggle("hidden", view !== data.view);
      if (view !== data.view) continue;
      const { figure, config } = data.panels[i];
      const traces = figure.data.map((trace) => upToStep(root, trace));
      if (panel.cross) traces.push(crossAt(panel.cross, data.crossColour));
      await window.Plotly?.react(plot, traces, layoutOf(panel, figure, view), config);
      labelPlot(plot, data.panels[i]);
      if (!panel.listening.has(view)) listen(root, panel, view);
    }
  }
}

/**
 * @param {Root} root
 * @param {Panel} panel - Drawn once: from then on its elements are Plotly's.
 * @param {View} view
 */
function listen(root, panel, view) {
  panel.listening.add(view);
  const plot = /** @type {Plot} */ (panel.plots[view]);
  listenToTaps(plot, (event) => {
    const place = view === "surface" ? panel.hovered : placeUnder(plot, event);
    if (place) start(root, panel, place);
  });
  if (view === "surface") {
    // A surface tells where the pointer is on it only by its hovering.
    plot.on("plotly_hover", ({ points: [{ x, y }] }) => { panel.hovered = [x, y]; });
    plot.on("plotly_unhover", () => { panel.hovered = null; });
    return;
  }
  plot.addEventListener("keydown", (event) => onKey(root, panel, event));
  plot.on("plotly_relayout", (change) => {
    if (!Object.keys(change).some((key) => key.includes(".range"))) return;
    const [[left, right], [bottom, top]] = [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range];
    root.send("look", {
      x: (left + right) / 2,
      y: (bottom + top) / 2,
      half: Math.max(Math.abs(right - left), Math.abs(top - bottom)) / 2,
    });
  });
}

/**
 * @param {Root} root
 * @param {Panel} panel
 * @param {KeyboardEvent} event
 */
function onKey(root, panel, event) {
  if (event.key === "Enter" && panel.cross) {
    if (!event.repeat) start(root, panel, panel.cross);
  } else if (event.key in ARROWS) {
    const { x, y, half } = root.data.window;
    const [right, up] = ARROWS[event.key];
    const [from, to] = panel.cross ?? [x, y];
    panel.cross = [from + right * NUDGE * half, to + up * NUDGE * half];
    redraw(root);
  } else return;
  event.preventDefault();
}

/**
 * Ask for a descent.
 *
 * @param {Root} root
 * @param {Panel} panel
 * @param {Place} place
 */
function start(root, panel, [x, y]) {
  panel.cross = null;
  root.send("start", { panel: panel.name, x, y });
}

/**
 * @param {Root} root
 * @param {number} factor
 */
function zoom(root, factor) {
  const { x, y, half } = root.data.window;
  root.send("look", { x, y, half: half * factor });
}

/** @param {Data | undefined} data */
function titles(data) {
  return data?.panels.map(({ name, title }) => name + title).join();
}

/** @param {ComponentArguments<Data>} component */
export default function lossMap({ parentElement, data, setTriggerValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".maml-maps"));
  const before = /** @type {Data | undefined} */ (root.data);
  root.data = data;
  root.send = setTriggerValue;
  if (titles(before) !== titles(data)) build(root);
  root.width ??= new ResizeObserver(() => redraw(root));
  root.width.observe(root);
  /** @param {number} step */
  const show = (step) => {
    root.stepper.name(`Inner step ${step} of ${root.data.steps}`);
    redraw(root);
  };
  root.stepper ??= new Stepper(root, show, {
    buttons: ["rewind", "back", "play", "forward", "last"],
    slider: "Inner step",
  });
  const moved = before?.paths !== data.paths;
  if (moved) root.stepper.stop();
  // A new path is shown whole; refining a map leaves the step where it is.
  root.stepper.reset(data.steps, moved ? data.steps : root.stepper.step);
}
