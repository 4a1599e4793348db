// Squares to draw in. The ink of a cell lives here while the page is open: each stroke is sent as
// points from 0 to 1 when the pen leaves, and nothing that comes back disturbs what is drawn
// meanwhile. A cell whose `version` has grown was changed elsewhere (filled, uploaded, loaded) and
// is taken over.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const PIXELS = 420; // of a canvas, whatever its size on the screen
const PEN = (PIXELS * 5.1) / 105; // as wide as Omniglot's lines are, see maml_core/handwriting.py
const LEAST_MOVE = 0.004; // of the side: nearer points add nothing to a line
const MOST_POINTS = 20000; // of a cell; a stroke that goes on for minutes ends here
const ICONS = {
  undo: "M12.5 8c-2.6 0-5 1-6.9 2.6L2 7v9h9l-3.6-3.6A8 8 0 0 1 20 16l2.4-.8A10.5 10.5 0 0 0 12.5 8z",
  clear: "M6 19a2 2 0 0 0 2 2h8a2 2 0 0 0 2-2V7H6zM19 4h-3.500l-1-1h-5l-1 1H5v2h14z",
  upload: "M9 16h6v-6h4l-7-7-7 7h4zM5 18h14v2H5z",
};

function button(icon, label, onclick) {
  const made = element("button", icon);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[icon]);
  svg.append(path);
  made.append(svg);
  made.onclick = onclick;
  return made;
}

function line(context, points) {
  const path = points.map(([x, y]) => [PIXELS * x, PIXELS * y]);
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...path[0]);
  path.forEach((point) => context.lineTo(...point));
  context.stroke();
}

function redraw(cell) {
  const context = cell.canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, PIXELS, PIXELS);
  context.imageSmoothingEnabled = false;
  if (cell.keep && cell.image?.complete && cell.image.naturalWidth) {
    context.drawImage(cell.image, 0, 0, PIXELS, PIXELS);
  }
  const strokes = cell.current ? [...cell.strokes, cell.current] : cell.strokes;
  strokes.forEach((points) => line(context, points));
  const inked = strokes.length > 0 || cell.keep;
  cell.box.classList.toggle("inked", inked);
  cell.box.querySelector(".undo").disabled = !cell.history.length && !cell.strokes.length;
  cell.box.querySelector(".clear").disabled = !inked;
  cell.box.dataset.strokes = cell.strokes.length;
}

// Make a change that can be undone, and tell Python.
function change(root, cell, strokes, keep) {
  cell.history.push({ strokes: cell.strokes, keep: cell.keep });
  become(root, cell, strokes, keep);
}

function become(root, cell, strokes, keep) {
  Object.assign(cell, { strokes, keep });
  redraw(cell);
  root.edits[cell.name] = { version: cell.version, strokes, keep };
  root.send("ink", { ...root.edits });
}

function undo(root, cell) {
  const before = cell.history.pop() ?? { strokes: cell.strokes.slice(0, -1), keep: cell.keep };
  become(root, cell, before.strokes, before.keep);
}

function place(cell, event) {
  const box = cell.canvas.getBoundingClientRect();
  const within = (value) => Math.round(1e4 * Math.min(Math.max(value, 0), 1)) / 1e4;
  return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
}

function extend(cell, point) {
  const last = cell.current.at(-1);
  if (Math.hypot(point[0] - last[0], point[1] - last[1]) < LEAST_MOVE) return;
  cell.current.push(point);
  line(cell.canvas.getContext("2d"), [last, point]);
}

function finish(root, cell) {
  if (!cell.current) return;
  const stroke = cell.current;
  cell.current = cell.pointer = null;
  change(root, cell, [...cell.strokes, stroke], cell.keep);
}

function listen(root, cell) {
  const { canvas } = cell;
  canvas.onpointerdown = (event) => {
    const points = cell.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    // A second finger or the palm is no pen.
    if (event.button !== 0 || cell.current || points >= MOST_POINTS) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    cell.pointer = event.pointerId;
    cell.current = [place(cell, event)];
    redraw(cell);
  };
  canvas.onpointermove = (event) => {
    if (event.pointerId !== cell.pointer || !cell.current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    (events.length ? events : [event]).forEach((one) => extend(cell, place(cell, one)));
    if (cell.current.length >= MOST_POINTS) finish(root, cell);
  };
  const end = (event) => event.pointerId === cell.pointer && finish(root, cell);
  canvas.onpointerup = canvas.onpointercancel = canvas.onlostpointercapture = end;
}

function cellOf(root, data) {
  const cell = { name: data.name, version: -1, strokes: [], keep: false, history: [] };
  const box = element("figure", "cell");
  box.dataset.name = data.name;
  cell.box = box;
  cell.canvas = element("canvas");
  cell.canvas.width = cell.canvas.height = PIXELS;
  cell.canvas.setAttribute("role", "img");
  cell.canvas.setAttribute("aria-label", `Square to draw ${data.label} in`);
  const paper = element("div", "paper");
  paper.append(cell.canvas, element("span", "hint", data.hint));
  cell.seen = element("img", "seen");
  cell.seen.alt = cell.seen.title = `What the network sees of ${data.label}: 28 × 28 pixels`;
  cell.note = element("p", "note");
  cell.note.setAttribute("role", "status");
  const tools = element("div", "tools");
  tools.append(
    cell.seen,
    button("undo", `Undo in ${data.label}`, () => undo(root, cell)),
    button("clear", `Clear ${data.label}`, () => change(root, cell, [], false)),
    button("upload", `Upload a picture of ${data.label}`, () => root.trigger("upload", data.name)),
  );
  box.append(paper, tools, cell.note);
  listen(root, cell);
  return cell;
}

function takeOver(root, cell, data) {
  cell.version = data.version;
  delete root.edits[cell.name];
  cell.current = cell.pointer = null;
  Object.assign(cell, { strokes: data.strokes, keep: Boolean(data.picture), history: [] });
  cell.image = null;
  if (data.picture) {
    cell.image = new Image();
    cell.image.onload = () => redraw(cell);
    cell.image.src = data.picture;
  }
  redraw(cell);
}

function build(root, data) {
  const rows = data.rows.map((row) => {
    const box = element("div", "row");
    box.append(element("b", "", row.title));
    row.cells.forEach((one) => {
      root.cells[one.name] ??= cellOf(root, one);
      box.append(root.cells[one.name].box);
    });
    return box;
  });
  root.replaceChildren(...rows);
}

export default function pads({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".pads");
  root.cells ??= {};
  root.edits ??= {};
  root.send = setStateValue;
  root.trigger = setTriggerValue;
  root.classList.toggle("large", data.large);
  const shape = JSON.stringify(data.rows.map((row) => row.cells.map((one) => one.name)));
  if (root.shape !== shape) build(root, data);
  root.shape = shape;
  data.rows.flatMap((row) => row.cells).forEach((one) => {
    const cell = root.cells[one.name];
    if (one.version > cell.version) takeOver(root, cell, one);
    if (one.seen) cell.seen.src = one.seen;
    else cell.seen.removeAttribute("src");
    cell.note.textContent = one.note;
    cell.box.classList.toggle("bad", Boolean(one.note));
  });
}
