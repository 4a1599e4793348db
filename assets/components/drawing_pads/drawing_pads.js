// Squares to draw in. The ink of a cell lives here while the page is open: each stroke is sent as
// points from 0 to 1 when the pen leaves, and nothing that comes back disturbs what is drawn
// meanwhile. A cell whose `version` has grown was changed elsewhere (filled, uploaded, loaded) and
// is taken over.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { button, element, find, icon } from "../shared/elements.js";

/** @import { ComponentArguments, Send } from "../shared/browser.js" */

const PIXELS = 420; // of a canvas, whatever its size on the screen
const LEAST_MOVE = 0.004; // of the side: nearer points add nothing to a line
const ICONS = {
  undo: "M12.5 8c-2.6 0-5 1-6.9 2.6L2 7v9h9l-3.6-3.6A8 8 0 0 1 20 16l2.4-.8A10.5 10.5 0 0 0 12.5 8z",
  clear: "M6 19a2 2 0 0 0 2 2h8a2 2 0 0 0 2-2V7H6zM19 4h-3.500l-1-1h-5l-1 1H5v2h14z",
  upload: "M9 16h6v-6h4l-7-7-7 7h4zM5 18h14v2H5z",
};

/** @typedef {[x: number, y: number]} Point */
/** @typedef {Point[]} Stroke */

/**
 * @typedef {object} CellData
 * @property {string} name
 * @property {string} label
 * @property {string} hint - In an empty square.
 * @property {number} version
 * @property {Stroke[]} strokes
 * @property {string | null} picture - What lies under the strokes.
 * @property {string | null} seen - What the network sees.
 * @property {string} seenLabel
 * @property {string} note - Why the ink cannot be used; empty: it can.
 */

/**
 * @typedef {object} Data
 * @property {boolean} large
 * @property {number} penWidth - Of the side.
 * @property {number} maxPoints - Of a cell; a stroke that goes on for minutes ends there.
 * @property {{ title: string, cells: CellData[] }[]} rows
 */

/** @typedef {{ strokes: Stroke[], keep: boolean }} Ink - `keep`: the picture under it, too. */

/**
 * @typedef {object} CellParts
 * @property {string} name
 * @property {number} version
 * @property {Ink[]} history - What undoing leads back to.
 * @property {HTMLElement} box
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLImageElement} seen
 * @property {HTMLElement} note
 * @property {HTMLImageElement | null} image
 * @property {Stroke | null} current - While the pen is down.
 * @property {number | null} pointer
 */

/** @typedef {CellParts & Ink} Cell */

/**
 * @typedef {HTMLElement & {
 *   data: Data, trigger: Send, shape: string,
 *   cells: Record<string, Cell>, edits: Record<string, Ink & { version: number }>,
 * }} Root
 */

/** @param {Cell} cell */
function contextOf(cell) {
  const context = cell.canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw.");
  return context;
}

/**
 * @param {Root} root
 * @param {Cell} cell
 * @param {Stroke} points
 */
function drawLine(root, cell, points) {
  const context = contextOf(cell);
  const path = points.map(([x, y]) => /** @type {Point} */ ([PIXELS * x, PIXELS * y]));
  context.lineWidth = PIXELS * root.data.penWidth;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...path[0]);
  path.forEach((point) => context.lineTo(...point));
  context.stroke();
}

/**
 * @param {Root} root
 * @param {Cell} cell
 */
function redraw(root, cell) {
  const context = contextOf(cell);
  context.fillStyle = "white";
  context.fillRect(0, 0, PIXELS, PIXELS);
  context.imageSmoothingEnabled = false;
  if (cell.keep && cell.image?.complete && cell.image.naturalWidth) {
    context.drawImage(cell.image, 0, 0, PIXELS, PIXELS);
  }
  const strokes = cell.current ? [...cell.strokes, cell.current] : cell.strokes;
  strokes.forEach((points) => drawLine(root, cell, points));
  const inked = strokes.length > 0 || cell.keep;
  cell.box.classList.toggle("inked", inked);
  find(cell.box, ".undo", HTMLButtonElement).disabled = !cell.history.length && !cell.strokes.length;
  find(cell.box, ".clear", HTMLButtonElement).disabled = !inked;
  cell.box.dataset.strokes = String(cell.strokes.length);
}

/**
 * Make a change that can be undone, and tell Python.
 *
 * @param {Root} root
 * @param {Cell} cell
 * @param {Ink} ink
 */
function change(root, cell, ink) {
  cell.history.push({ strokes: cell.strokes, keep: cell.keep });
  become(root, cell, ink);
}

/**
 * @param {Root} root
 * @param {Cell} cell
 * @param {Ink} ink
 */
function become(root, cell, ink) {
  Object.assign(cell, ink);
  redraw(root, cell);
  root.edits[cell.name] = { version: cell.version, ...ink };
  root.trigger("ink", { ...root.edits });
}

/**
 * @param {Root} root
 * @param {Cell} cell
 */
function undo(root, cell) {
  become(root, cell, cell.history.pop() ?? { strokes: cell.strokes.slice(0, -1), keep: cell.keep });
}

/**
 * Where a pointer is in a cell, from 0 to 1.
 *
 * @param {Cell} cell
 * @param {PointerEvent} event
 * @returns {Point}
 */
function placeOf(cell, event) {
  const box = cell.canvas.getBoundingClientRect();
  const within = (/** @type {number} */ value) => Math.round(1e4 * Math.min(Math.max(value, 0), 1)) / 1e4;
  return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
}

/**
 * @param {Root} root
 * @param {Cell} cell
 * @param {Stroke} stroke
 * @param {Point} point
 */
function extend(root, cell, stroke, point) {
  const last = stroke[stroke.length - 1];
  if (Math.hypot(point[0] - last[0], point[1] - last[1]) < LEAST_MOVE) return;
  stroke.push(point);
  drawLine(root, cell, [last, point]);
}

/**
 * @param {Root} root
 * @param {Cell} cell
 */
function finish(root, cell) {
  if (!cell.current) return;
  const stroke = cell.current;
  cell.current = cell.pointer = null;
  change(root, cell, { strokes: [...cell.strokes, stroke], keep: cell.keep });
}

/**
 * @param {Root} root
 * @param {Cell} cell
 */
function listen(root, cell) {
  const { canvas } = cell;
  canvas.onpointerdown = (event) => {
    const points = cell.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    // A second finger or the palm does not draw.
    if (event.button !== 0 || cell.current || points >= root.data.maxPoints) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    cell.pointer = event.pointerId;
    cell.current = [placeOf(cell, event)];
    redraw(root, cell);
  };
  canvas.onpointermove = (event) => {
    const { current } = cell;
    if (event.pointerId !== cell.pointer || !current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) extend(root, cell, current, placeOf(cell, one));
    if (current.length >= root.data.maxPoints) finish(root, cell);
  };
  /** @param {PointerEvent} event */
  const end = (event) => {
    if (event.pointerId === cell.pointer) finish(root, cell);
  };
  canvas.onpointerup = canvas.onpointercancel = canvas.onlostpointercapture = end;
}

/**
 * @param {Root} root
 * @param {CellData} data
 */
function cellOf(root, data) {
  const canvas = element("canvas");
  canvas.width = canvas.height = PIXELS;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Square to draw ${data.label} in`);
  /** @type {Cell} */
  const cell = {
    ...{ name: data.name, version: -1, strokes: [], keep: false, history: [] },
    ...{ image: null, current: null, pointer: null, canvas },
    box: element("figure", "cell"),
    seen: element("img", "seen"),
    note: element("p", "note"),
  };
  cell.box.dataset.name = data.name;
  cell.seen.alt = cell.seen.title = data.seenLabel;
  cell.note.setAttribute("role", "status");
  const paper = element("div", "paper");
  paper.append(canvas, element("span", "hint", data.hint));
  const nothing = { strokes: [], keep: false };
  const tools = element("div", "tools");
  tools.append(
    cell.seen,
    button("undo", `Undo in ${data.label}`, icon(ICONS.undo), () => undo(root, cell)),
    button("clear", `Clear ${data.label}`, icon(ICONS.clear), () => change(root, cell, nothing)),
    button("upload", `Upload a picture of ${data.label}`, icon(ICONS.upload), () => root.trigger("upload", data.name)),
  );
  cell.box.append(paper, tools, cell.note);
  listen(root, cell);
  return cell;
}

/**
 * Show what a cell has become elsewhere.
 *
 * @param {Root} root
 * @param {Cell} cell
 * @param {CellData} data
 */
function takeOver(root, cell, data) {
  delete root.edits[cell.name];
  Object.assign(cell, { version: data.version, strokes: data.strokes, keep: data.picture !== null });
  Object.assign(cell, { history: [], image: null, current: null, pointer: null });
  if (data.picture) {
    cell.image = new Image();
    cell.image.onload = () => redraw(root, cell);
    cell.image.src = data.picture;
  }
  redraw(root, cell);
}

/** @param {Root} root */
function build(root) {
  const rows = root.data.rows.map((row) => {
    const box = element("div", "row");
    box.append(element("b", "", row.title));
    for (const one of row.cells) {
      root.cells[one.name] ??= cellOf(root, one);
      box.append(root.cells[one.name].box);
    }
    return box;
  });
  root.replaceChildren(...rows);
}

/** @param {ComponentArguments<Data>} component */
export default function drawingPads({ parentElement, data, setTriggerValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".pads"));
  Object.assign(root, { data, trigger: setTriggerValue });
  root.cells ??= {};
  root.edits ??= {};
  root.classList.toggle("large", data.large);
  const shape = JSON.stringify(data.rows.map((row) => row.cells.map((one) => one.name)));
  if (root.shape !== shape) build(root);
  root.shape = shape;
  for (const one of data.rows.flatMap((row) => row.cells)) {
    const cell = root.cells[one.name];
    if (one.version > cell.version) takeOver(root, cell, one);
    if (one.seen) cell.seen.src = one.seen;
    else cell.seen.removeAttribute("src");
    cell.note.textContent = one.note;
    cell.box.classList.toggle("bad", Boolean(one.note));
  }
}
