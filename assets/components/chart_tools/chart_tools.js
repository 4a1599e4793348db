// The menu of one of the page's own charts, which stands on the chart's upper right corner.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { chartMenu, scrollBySwipe } from "../shared/chart_menu.js";
import { find } from "../shared/elements.js";

/** @import { ComponentArguments, Plot } from "../shared/browser.js" */

/** @typedef {{ chart: string, title: string }} Data - The chart's key and what it shows. */
/** @typedef {HTMLElement & { data: Data }} Root */

/** @param {ComponentArguments<Data>} component */
export default function chartTools({ parentElement, data }) {
  const root = /** @type {Root} */ (find(parentElement, ".chart-tools"));
  const isNew = !root.data;
  root.data = data;
  if (!isNew) return;
  // Streamlit replaces the chart when its data change.
  const chart = () => /** @type {Plot | null} */ (
    document.querySelector(`.st-key-${root.data.chart} .js-plotly-plot`)
  );
  root.append(...chartMenu(root, chart, () => root.data.title));
  const box = root.closest("[class*='st-key-chart_box_']");
  if (box instanceof HTMLElement) scrollBySwipe(box, chart);
}
