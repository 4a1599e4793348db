// What every chart offers: zoom, the whole screen, a picture to save; and a swipe that scrolls.

import { button, element, find, icon } from "./elements.js";

/** @import { Plot } from "./browser.js" */

const ZOOM_FACTOR = 2;
const PNG_SCALE = 3; // sharp on a slide
const SCREEN_SIZE = { width: 720, height: 400 }; // a chart is drawn for; larger screens enlarge it
const SAVED_FONT = "Arial, Helvetica, sans-serif"; // a file does not carry the page's own
const TRANSPARENT = "rgba(0,0,0,0)";
const MENU_ICONS = {
  menu: "M12 3a2 2 0 1 1 0 4 2 2 0 0 1 0-4zm0 7a2 2 0 1 1 0 4 2 2 0 0 1 0-4zm0 7a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
  screen: "M3 3h7v2H5v5H3zM14 3h7v7h-2V5h-5zM3 14h2v5h5v2H3zM19 14h2v7h-7v-2h5z",
  zoomIn: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  zoomOut: "M5 11h14v2H5z",
  showAll: "M12 5V2L7 6l5 4V7a5 5 0 1 1-5 5H5a7 7 0 1 0 7-7z",
  save: "M11 3h2v9l3-3 1.4 1.4-5.4 5.4-5.4-5.4L8 9l3 3zM4 18h16v2H4z",
  close: "M6.4 5l5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
};

/** @typedef {() => Plot | null} Finder */
/** @typedef {Record<string, [number, number]>} Ranges */
/** @typedef {(words: string, path: string, act: (plot: Plot) => void) => HTMLElement} Entry */

/**
 * A button that opens the menu of a chart, and the menu.
 *
 * @param {HTMLElement} root - What they will stand in.
 * @param {Finder} chart
 * @param {() => string} title - What the chart shows.
 * @param {{ zooms?: boolean }} [options] - Without zooms where the chart has its own.
 */
export function chartMenu(root, chart, title, { zooms: withZooms = true } = {}) {
  const menu = element("div", "chart-menu");
  menu.popover = "auto";
  menu.setAttribute("role", "group");
  menu.setAttribute("aria-label", "Chart");
  /** @type {Entry} */
  const entry = (words, path, act) => menuEntry(words, path, () => {
    const plot = chart();
    menu.hidePopover();
    if (plot) act(plot);
  });
  const zooms = withZooms ? [
    entry("Zoom in", MENU_ICONS.zoomIn, (plot) => zoomAxes(plot, 1 / ZOOM_FACTOR)),
    entry("Zoom out", MENU_ICONS.zoomOut, (plot) => zoomAxes(plot, ZOOM_FACTOR)),
    entry("Show all", MENU_ICONS.showAll, showAll),
  ] : [];
  menu.append(
    entry("Fill the screen", MENU_ICONS.screen, (plot) => fillScreen(root, plot, title())),
    ...zooms,
    entry("Save as PNG", MENU_ICONS.save, (plot) => savePicture(plot, "png")),
    entry("Save as SVG", MENU_ICONS.save, (plot) => savePicture(plot, "svg")),
  );
  const opener = button("chart-menu-opener", "Zoom or save this chart", icon(MENU_ICONS.menu));
  opener.popoverTargetElement = menu;
  menu.addEventListener("toggle", () => {
    const plot = chart();
    for (const made of zooms) made.hidden = !plot || !Object.keys(axisRanges(plot)).length;
    const { bottom, right } = opener.getBoundingClientRect();
    const top = Math.min(bottom, innerHeight - menu.offsetHeight);
    Object.assign(menu.style, { top: `${Math.max(top, 0)}px`, left: `${right - menu.offsetWidth}px` });
  });
  return [opener, menu];
}

/**
 * @param {string} words
 * @param {string} path - Of its icon.
 * @param {() => void} onclick
 */
function menuEntry(words, path, onclick) {
  const made = element("button");
  made.type = "button";
  made.append(icon(path), words);
  made.onclick = onclick;
  return made;
}

/**
 * Let a finger that moves over a chart scroll the page, as long as all of the chart is shown;
 * Plotly would take it for a zoom. Two fingers are the browser's own zoom.
 *
 * @param {HTMLElement} box - Stays when the chart in it is replaced.
 * @param {Finder} chart
 */
export function scrollBySwipe(box, chart) {
  /** @param {Event} event */
  const keep = (event) => {
    const plot = chart();
    const inPlot = event.target instanceof Node && plot?.contains(event.target);
    if (inPlot && !plot?.dataset.zoomed) event.stopPropagation();
  };
  box.addEventListener("touchstart", keep, { capture: true, passive: true });
}

/** @param {Plot} plot */
function axisRanges(plot) {
  /** @type {Ranges} */
  const found = {};
  for (const name of /** @type {const} */ (["xaxis", "yaxis"])) {
    const axis = plot._fullLayout[name];
    if (axis && !axis.fixedrange) found[`${name}.range`] = [...axis.range];
  }
  return found;
}

/**
 * Zoom about the middle. What is zoomed can be dragged, by a finger too.
 *
 * @param {Plot} plot
 * @param {number} factor
 */
function zoomAxes(plot, factor) {
  const now = axisRanges(plot);
  plot.dataset.zoomed ??= JSON.stringify({ ...now, dragmode: plot._fullLayout.dragmode });
  /** @type {Ranges} */
  const next = {};
  for (const [name, [from, to]] of Object.entries(now)) {
    const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor];
    next[name] = [middle - half, middle + half];
  }
  window.Plotly?.relayout(plot, { ...next, dragmode: "pan" });
}

/** @param {Plot} plot */
function showAll(plot) {
  const { zoomed } = plot.dataset;
  delete plot.dataset.zoomed;
  const all = zoomed ? JSON.parse(zoomed) : { "xaxis.autorange": true, "yaxis.autorange": true };
  window.Plotly?.relayout(plot, all);
}

/**
 * @param {Plot} plot
 * @param {"png" | "svg"} format
 */
function savePicture(plot, format) {
  const { filename } = plot._context.toImageButtonOptions;
  const { width, height, paper_bgcolor: paper } = plot._fullLayout;
  const page = getComputedStyle(plot).getPropertyValue("--st-background-color");
  const layout = {
    ...plot.layout,
    font: { ...plot.layout.font, family: SAVED_FONT },
    paper_bgcolor: paper === TRANSPARENT ? page || "#ffffff" : paper,
  };
  const scale = format === "png" ? PNG_SCALE : 1;
  window.Plotly?.downloadImage({ data: plot.data, layout }, { format, filename, width, height, scale });
}

/**
 * Show a copy of a chart as large as the screen, its letters and lines with it.
 *
 * @param {HTMLElement} root
 * @param {Plot} plot
 * @param {string} title
 */
async function fillScreen(root, plot, title) {
  const dialog = element("dialog", "chart-screen");
  dialog.setAttribute("aria-label", title);
  const frame = element("div", "screen"); // a dialog itself cannot leave the browser's window
  const stage = element("div", "stage");
  frame.append(stage, button("close", "Close", icon(MENU_ICONS.close), () => dialog.close()));
  dialog.append(frame);
  const draw = () => drawEnlarged(stage, plot);
  addEventListener("resize", draw);
  dialog.onclose = () => {
    removeEventListener("resize", draw);
    if (document.fullscreenElement) document.exitFullscreen();
    dialog.remove();
    find(root, ".chart-menu-opener").focus();
  };
  frame.onfullscreenchange = () => {
    if (!document.fullscreenElement) dialog.close();
  };
  root.append(dialog);
  dialog.showModal();
  if (document.fullscreenEnabled) await frame.requestFullscreen().catch(() => {});
  draw();
}

/**
 * @param {HTMLElement} stage
 * @param {Plot} plot
 */
function drawEnlarged(stage, plot) {
  const [width, height] = [innerWidth, innerHeight - stage.offsetTop];
  const scale = Math.max(1, Math.min(width / SCREEN_SIZE.width, height / SCREEN_SIZE.height));
  stage.style.transform = `scale(${scale})`;
  const size = { width: width / scale, height: height / scale, autosize: false };
  const { data, layout } = structuredClone({ data: plot.data, layout: plot.layout });
  window.Plotly?.react(stage, data, { ...layout, ...size }, { displayModeBar: false });
}
