// One of the two pictures: its axes, scales and lines.

import { element, svg } from "../shared/elements.js";

/** @import { Matrix, Vector } from "../shared/browser.js" */
/** @import { Method, Style } from "./arithmetic.js" */

const CURVE_POINTS = 161;
const RINGS = [0.5, 1, 1.5, 2]; // levels around a centre, by the way to them along the valley
const HEIGHTS = [225, 185]; // pixels, of the two pictures over one parameter
// Plotly's marks by its names, around 0, of radius 1.
/** @type {Record<string, string>} */
export const MARKS = {
  circle: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
  "triangle-ne": "M-1-1 1-1 1 1Z",
  "triangle-up": "M0-1.15 1.1.8-1.1.8Z",
  x: "M-1-.55-.55-1 0-.45.55-1 1-.55.45 0 1 .55.55 1 0 .45-.55 1-1 .55-.45 0Z",
  star: "M0-1.3.38-.45 1.25-.4.6.2.8 1.05 0 .6-.8 1.05-.6.2-1.25-.4-.38-.45Z",
  pentagon: "M0-1.1 1.05-.34.65.9-.65.9-1.05-.34Z",
};

/** @typedef {ReturnType<typeof scaleBetween>} Scale */

/**
 * What lies in a picture at its present width.
 *
 * @typedef {object} Frame
 * @property {Scale} x
 * @property {Scale} y - Of the loss, or with two parameters of the second.
 * @property {number} top
 * @property {number} foot
 * @property {string} clip - Reference to what cuts off lines outside.
 * @property {SVGGElement} moving - Holds what follows θ.
 */

/**
 * @typedef {object} Panel
 * @property {HTMLElement} figure
 * @property {HTMLElement} plot
 * @property {SVGSVGElement} picture
 * @property {HTMLElement} handle
 * @property {Frame} [frame] - None until it has a width.
 */

/**
 * @param {(Node | string)[]} caption
 * @param {HTMLElement} handle
 * @returns {Panel}
 */
export function panelOf(caption, handle) {
  const figure = element("figure");
  const words = element("figcaption");
  words.append(...caption);
  const plot = element("div", "plot");
  const picture = svg("svg", { "aria-hidden": "true" });
  plot.append(picture);
  figure.append(words, plot);
  return { figure, plot, picture, handle };
}

/**
 * Fit a picture to its width: a map of two parameters is as high as it is wide.
 *
 * @param {Panel} panel
 * @param {number} reach
 * @param {number | null} maxLoss - On the vertical axis; null: the second parameter is.
 * @param {number} index - Of the panel.
 * @returns {SVGElement[]} The axes.
 */
export function fitFrame(panel, reach, maxLoss, index) {
  const width = panel.plot.clientWidth;
  const isMap = maxLoss === null;
  const [left, top, right, bottom] = isMap ? [26, 4, 4, 22] : [34, 4, 10, 22];
  const height = isMap ? width - left - right + top + bottom : HEIGHTS[index];
  panel.picture.setAttribute("height", String(height));
  const foot = height - bottom;
  const clipId = `inside-${index}`;
  panel.frame = {
    x: scaleBetween(-reach, reach, left, width - right),
    y: scaleBetween(isMap ? -reach : 0, maxLoss ?? reach, foot, top),
    top,
    foot,
    clip: `url(#${clipId})`,
    moving: svg("g"),
  };
  const box = { x: left, y: top, width: width - left - right, height: foot - top };
  const clip = svg("clipPath", { id: clipId });
  clip.append(svg("rect", box));
  return [clip, svg("rect", { class: "frame", ...box }), ...axes(panel.frame, box, reach, maxLoss)];
}

/**
 * @param {Frame} frame
 * @param {{ x: number, y: number, width: number, height: number }} box
 * @param {number} reach
 * @param {number | null} maxLoss
 */
function axes({ x: across, y: up }, { x: left, y: top, width, height }, reach, maxLoss) {
  /** @type {SVGElement[]} */
  const made = [];
  const foot = top + height;
  /** @type {(x: number, y: number, anchor: string, text: string) => void} */
  const label = (x, y, anchor, text) => {
    made.push(svg("text", { x, y, "text-anchor": anchor }, text));
  };
  const whole = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  for (const value of whole) {
    const x = across(value);
    made.push(svg("line", { class: "grid", x1: x, x2: x, y1: top, y2: foot }));
    if (value % 2 === 0) label(x, foot + 16, value === reach ? "end" : "middle", number(value, 0));
  }
  for (const value of maxLoss ? ticks(maxLoss) : whole) {
    const y = up(value);
    made.push(svg("line", { class: "grid", x1: left, x2: left + width, y1: y, y2: y }));
    const digits = maxLoss && maxLoss < 3 ? 1 : 0;
    if (maxLoss || value % 2 === 0) label(left - 5, y + (y < top + 5 ? 9 : 4), "end", number(value, digits));
  }
  label(left + width - 4, foot - 7, "end", maxLoss ? "θ" : "θ₁");
  label(left + 6, top + 15, "start", maxLoss ? "loss" : "θ₂");
  return made;
}

/**
 * At most six round numbers from 0.
 *
 * @param {number} high
 */
function ticks(high) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5].find((one) => high / one <= 5) ?? 10;
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => Math.round(10 * i * step) / 10);
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} from - Pixels.
 * @param {number} to
 */
function scaleBetween(low, high, from, to) {
  /** @param {number} value */
  const scale = (value) => from + ((value - low) / (high - low)) * (to - from);
  /** @param {number} pixel */
  scale.back = (pixel) => low + ((pixel - from) / (to - from)) * (high - low);
  return scale;
}

/**
 * A number with a real minus, and without one before zero.
 *
 * @param {number} value
 */
export function number(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** @param {Vector} theta */
export function thetaInWords(theta) {
  return theta.length === 1 ? number(theta[0]) : `(${theta.map((one) => number(one)).join(", ")})`;
}

/** @param {Vector[]} points - Pixels. */
export function linePath(points) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

/**
 * A function's curve over one parameter.
 *
 * @param {Frame} frame
 * @param {number} reach
 * @param {(theta: Vector) => number} f
 */
export function curvePath({ x, y }, reach, f) {
  const points = Array.from({ length: CURVE_POINTS }, (_, i) => {
    const theta = -reach + (i * 2 * reach) / (CURVE_POINTS - 1);
    return [x(theta), y(f([theta]))];
  });
  return linePath(points);
}

/**
 * Levels of a parabola over two parameters.
 *
 * @param {Frame} frame
 * @param {Vector} centre
 * @param {Matrix} level - Makes an ellipse of the unit circle.
 * @param {Record<string, string>} attributes
 */
export function rings(frame, centre, level, attributes) {
  const unit = frame.x(1) - frame.x(0);
  const [[a, b], [c, d]] = level;
  const longest = (a + d + Math.hypot(a - d, 2 * b)) / 2; // the matrix is symmetric
  const [x, y] = [frame.x(centre[0]), frame.y(centre[1])];
  return RINGS.map((size) => {
    const s = (size * unit) / longest;
    const transform = `matrix(${s * a} ${-s * c} ${-s * b} ${s * d} ${x} ${y})`;
    return svg("circle", { ...attributes, r: 1, transform });
  });
}

/** @param {Method} method */
export function lineStyle(method) {
  return `stroke: ${method.colour}; stroke-dasharray: ${method.dash}`;
}

/**
 * @param {Style} style
 * @param {number} x
 * @param {number} y
 */
export function markAt(style, x, y, size = 8) {
  const transform = `translate(${x} ${y}) scale(${size})`;
  return svg("path", { class: "mark", d: MARKS[style.marker], fill: style.colour, transform });
}
