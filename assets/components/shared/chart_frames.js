// The page's own charts, which carry one frame a step.

/** @import { Plot } from "./browser.js" */

const CHART_WAIT_MS = 100;
const CHART_TRIES = 100;

/**
 * Show a step in the page's charts of these keys, once they are there.
 *
 * @param {HTMLElement} root - The component; its `data-step` says whether the step is still wanted.
 * @param {string[]} keys
 * @param {number} step
 * @param {number} [tries]
 */
export function showFrame(root, keys, step, tries = CHART_TRIES) {
  if (!keys.length || root.dataset.step !== String(step) || !root.isConnected) return;
  const { Plotly } = window;
  const charts = keys
    .map((key) => /** @type {Plot | null} */ (document.querySelector(`.st-key-${key} .js-plotly-plot`)))
    .filter((chart) => chart?._transitionData?._frameHash?.[step]);
  if (!Plotly || charts.length < keys.length) {
    if (tries) setTimeout(() => showFrame(root, keys, step, tries - 1), CHART_WAIT_MS);
    return;
  }
  const immediately = {
    mode: "immediate",
    transition: { duration: 0 },
    frame: { duration: 0, redraw: false },
  };
  for (const chart of charts) {
    // A chart that Streamlit replaces meanwhile rejects; the next call finds the new one.
    if (chart) Plotly.animate(chart, [String(step)], immediately).catch(() => {});
  }
}
