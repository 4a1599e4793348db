const CHART_WAIT_MS = 100;
const CHART_TRIES = 100;

// Move the page's charts of these keys, which carry one frame a step, to a step.
function moveCharts(root, keys, step, tries = CHART_TRIES) {
  if (!keys.length || root.step !== step || !root.isConnected) return;
  const charts = keys.map((key) => document.querySelector(`.st-key-${key} .js-plotly-plot`));
  const ready = window.Plotly && charts.every((chart) => chart?._transitionData?._frameHash?.[step]);
  if (!ready) {
    if (tries) setTimeout(() => moveCharts(root, keys, step, tries - 1), CHART_WAIT_MS);
    return;
  }
  const immediately = {
    mode: "immediate",
    transition: { duration: 0 },
    frame: { duration: 0, redraw: false },
  };
  // A chart that Streamlit replaces meanwhile rejects; the next call finds the new one.
  charts.forEach((chart) => window.Plotly.animate(chart, [String(step)], immediately).catch(() => {}));
}
