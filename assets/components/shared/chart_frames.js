// The page's own charts, which carry one frame a step.

/** @import { Frame, Plot, Trace } from "./browser.js" */

const LOOK_MS = 100;

/** @typedef {HTMLElement & { charts?: string[], watching?: boolean }} Root */

/**
 * The frame that a chart was moved to, and a line of it by then; none while it still moves. A chart
 * drawn anew has new frames, and Plotly forgets the move that it was at: nobody hears of its end.
 *
 * @typedef {{ frame: Frame, trace?: Trace }} Shown
 */

/** @type {WeakMap<Plot, Shown>} */
const shown = new WeakMap();

/**
 * Have the page's charts of these keys show the step that the component stands at, from now on: a
 * chart comes after the component, and Streamlit may draw it anew at any time, at its last step.
 *
 * @param {Root} root - The component; its `data-step` says where it stands.
 * @param {string[]} keys
 */
export function keepFrames(root, keys) {
  root.charts = keys;
  if (root.watching) {
    showFrames(root);
    return;
  }
  root.watching = true;
  const look = () => {
    root.watching = root.isConnected;
    if (!root.watching) return;
    showFrames(root);
    setTimeout(look, LOOK_MS);
  };
  look();
}

/** @param {Root} root */
function showFrames(root) {
  const { Plotly } = window;
  const step = root.dataset.step ?? "";
  for (const key of Plotly ? (root.charts ?? []) : []) {
    const chart = /** @type {Plot | null} */ (
      document.querySelector(`.st-key-${key} .js-plotly-plot`)
    );
    const frame = chart?._transitionData?._frameHash?.[step];
    if (chart && frame && !stands(chart, frame)) void move(chart, step, frame);
  }
}

/**
 * @param {Plot} chart
 * @param {Frame} frame
 */
function stands(chart, frame) {
  const last = shown.get(chart);
  return last?.frame === frame && (!last.trace || chart.data.includes(last.trace));
}

/**
 * @param {Plot} chart
 * @param {string} step
 * @param {Frame} frame - The step's.
 */
async function move(chart, step, frame) {
  /** @type {Shown} */
  const moved = { frame };
  shown.set(chart, moved);
  try {
    await window.Plotly?.animate(chart, [step], {
      mode: "immediate",
      transition: { duration: 0 },
      frame: { duration: 0, redraw: false },
    });
    moved.trace = chart.data[frame.traces[0]];
  } catch {
    // Streamlit has replaced the chart, or another step is wanted by now.
    if (shown.get(chart) === moved) shown.delete(chart);
  }
}
