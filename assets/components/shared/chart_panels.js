// Charts of our own in Plotly, side by side in nodes that stay: a click or a tap, or a cross that
// is moved by keys, picks a place in one.

import { DOUBLE_CLICK_MS } from "./clicks.js";
import { element, find } from "./elements.js";

/** @import { Figure, Layout, Plot, Trace } from "./browser.js" */

const STILL_PX = 6; // a pointer that moved farther has dragged, not clicked
const DOUBLE_CLICK_PX = 14; // the second click of a double click is so near to the first
const CROSS_SIZE = 22;

/** @typedef {[x: number, y: number]} Place */
/**
 * @typedef {object} PanelData
 * @property {string} name
 * @property {string} title
 * @property {string} colour - Of the dot beside the title.
 * @property {Figure} figure
 * @property {string} numbers - What it shows, in words.
 * @property {object} config - Plotly's.
 */

/**
 * Put panels, each with its title, in place of what was there.
 *
 * @template Made
 * @param {HTMLElement} root
 * @param {PanelData[]} panels
 * @param {(box: HTMLElement, head: HTMLElement, panel: PanelData) => Made} fill - Adds the rest.
 */
export function buildPanels(root, panels, fill) {
  /** @type {HTMLElement[]} */
  const boxes = [];
  const made = panels.map((panel) => {
    const box = element("section", "panel");
    box.dataset.name = panel.name;
    const head = element("header");
    const dot = element("i", "dot");
    dot.style.setProperty("--method", panel.colour);
    head.append(dot, element("b", "", panel.title));
    box.append(head);
    boxes.push(box);
    return fill(box, head, panel);
  });
  const holder = find(root, ".panels");
  holder.style.setProperty("--panels", String(panels.length));
  holder.replaceChildren(...boxes);
  return made;
}

/**
 * An element to draw in that takes the keys.
 *
 * @param {string} keys - What the keys do.
 */
export function plotWithKeys(keys) {
  const plot = element("div", "plot");
  plot.tabIndex = 0;
  plot.setAttribute("role", "application");
  plot.setAttribute("aria-roledescription", `chart. ${keys}`);
  return plot;
}

/**
 * Say what a chart shows to those who do not see it.
 *
 * @param {HTMLElement} plot
 * @param {PanelData} panel
 */
export function labelPlot(plot, { title, numbers }) {
  plot.setAttribute("aria-label", `${title}: ${numbers}`);
  if (!plot.hasAttribute("role")) plot.setAttribute("role", "img");
}

/**
 * A figure's layout in the page's own font and colours.
 *
 * @param {Layout} layout
 * @param {HTMLElement} box
 */
export function themed(layout, box) {
  const style = getComputedStyle(box);
  return {
    ...layout,
    font: { ...layout.font, color: style.color, family: style.fontFamily },
  };
}

/**
 * @param {Place} place
 * @param {string} colour
 * @returns {Trace}
 */
export function crossAt([x, y], colour) {
  return {
    x: [x],
    y: [y],
    mode: "markers",
    hoverinfo: "skip",
    showlegend: false,
    marker: { symbol: "cross-thin", size: CROSS_SIZE, line: { width: 3, color: colour } },
  };
}

/**
 * The place in a chart that lies under a pointer; null: it is outside the axes.
 *
 * @param {Plot} plot
 * @param {{ clientX: number, clientY: number }} pointer
 * @returns {Place | null}
 */
export function placeUnder(plot, { clientX, clientY }) {
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const [x, y] = [clientX - box.left - xaxis._offset, clientY - box.top - yaxis._offset];
  const inside = x >= 0 && y >= 0 && x <= xaxis._length && y <= yaxis._length;
  return inside ? [xaxis.p2d(x), yaxis.p2d(y)] : null;
}

/**
 * Hear clicks and taps on a chart: no drags, and of a double click the first.
 *
 * @param {Plot} plot
 * @param {(event: PointerEvent) => void} onTap
 */
export function listenToTaps(plot, onTap) {
  let last = { x: 0, y: 0, at: -Infinity };
  /**
   * @param {PointerEvent} down
   * @param {PointerEvent} up
   */
  const onEnd = (down, up) => {
    if (Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > STILL_PX) return;
    const near = Math.hypot(up.clientX - last.x, up.clientY - last.y) < DOUBLE_CLICK_PX;
    const isSecond = near && up.timeStamp - last.at < DOUBLE_CLICK_MS;
    last = { x: up.clientX, y: up.clientY, at: up.timeStamp };
    if (!isSecond) onTap(up);
  };
  /** @param {PointerEvent} down */
  const onDown = (down) => {
    if (down.button || isOfChart(down.target)) return;
    // Plotly covers the page while a pointer is down: its end is heard by the window alone.
    const ends = new AbortController();
    const options = { capture: true, signal: ends.signal };
    addEventListener("pointercancel", () => ends.abort(), options); // the page was scrolled
    addEventListener("pointerup", (up) => { ends.abort(); onEnd(down, up); }, options);
  };
  plot.addEventListener("pointerdown", onDown, true);
}

/**
 * Whether this is one of the chart's own controls.
 *
 * @param {EventTarget | null} target
 */
function isOfChart(target) {
  return target instanceof Element && target.closest(".legend, .colorbar") !== null;
}
