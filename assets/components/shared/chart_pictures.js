// The picture behind a chart's point, beside the pointer: Plotly's own labels hold text alone.

import { element } from "./elements.js";

/** @import { Plot, PlotHover } from "./browser.js" */

const APART = 14; // pixels between the pointer and the picture

/** @typedef {{ source: string, words: string }} Pictured */

/**
 * Show the pictures of the page's charts of these keys, whose points' `customdata` are numbers.
 *
 * @param {HTMLElement} root - The picture's box stands in it.
 * @param {() => string[]} keys
 * @param {(number: number) => Pictured | undefined} pictureOf
 */
export function showPictures(root, keys, pictureOf) {
  const box = element("figure", "pictured");
  const [picture, words] = [element("img"), element("figcaption")];
  box.popover = "manual"; // above all else, and not cut off by what it stands in
  box.append(picture, words);
  root.append(box);
  /** @param {PlotHover} hover */
  const show = ({ points, event }) => {
    const found = pictureOf(Number(points[0].customdata));
    if (!found) return;
    picture.src = found.source;
    picture.alt = "";
    words.textContent = found.words;
    box.showPopover();
    const { offsetWidth: width, offsetHeight: height } = box;
    const { clientX: x, clientY: y } = event;
    const left = x + APART + width > innerWidth ? Math.max(x - APART - width, 0) : x + APART;
    const top = Math.max(Math.min(y + APART, innerHeight - height), 0);
    Object.assign(box.style, { left: `${left}px`, top: `${top}px` });
  };
  const hide = () => box.hidePopover();
  /** @param {PointerEvent} event */
  const onOver = ({ target }) => {
    if (!root.isConnected) return document.removeEventListener("pointerover", onOver);
    const plot = target instanceof Element ? plotAround(target, keys()) : null;
    if (!plot) return hide();
    // Streamlit draws a chart anew at any time, and Plotly then forgets who listens.
    plot.removeListener("plotly_hover", show);
    plot.removeListener("plotly_unhover", hide);
    plot.on("plotly_hover", show);
    plot.on("plotly_unhover", hide);
  };
  document.addEventListener("pointerover", onOver);
}

/**
 * @param {Element} target
 * @param {string[]} keys
 * @returns {Plot | null}
 */
function plotAround(target, keys) {
  const plot = target.closest(keys.map((key) => `.st-key-${key} .js-plotly-plot`).join(", "));
  return plot && "removeListener" in plot ? /** @type {Plot} */ (plot) : null;
}
