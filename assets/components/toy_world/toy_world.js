// A toy world: θ is dragged here, and everything follows at once. The tasks, and what an update of
// each method does to θ (a matrix and an offset), came with the page; of θ only its last place is
// sent, when it is let go.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const RANGE = 4; // θ goes from −4 to 4 in each parameter
const GRAIN = 0.01; // of θ
const KEY_STEP = 0.05;
const PLAY_MS = 4000; // from the first meta-update to the last
const TWICE_MS = 400; // a double click plays and does not stop
const DRAG_PX = 4; // a finger that moves farther across drags θ; one that moves along scrolls
const STEEP = 6; // the loss at which the tasks' curves leave the picture
const RINGS = [0.5, 1, 1.5, 2]; // levels around a centre, by the way to them along the valley
const MARKS = {
  circle: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
  "triangle-up": "M0-1.15 1.1.8-1.1.8Z",
  x: "M-1-.55-.55-1 0-.45.55-1 1-.55.45 0 1 .55.55 1 0 .45-.55 1-1 .55-.45 0Z",
  star: "M0-1.3.38-.45 1.25-.4.6.2.8 1.05 0 .6-.8 1.05-.6.2-1.25-.4-.38-.45Z",
  pentagon: "M0-1.1 1.05-.34.65.9-.65.9-1.05-.34Z",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// --- The arithmetic: the same as in maml_core/toy_tasks.py, task by task.

const apply = (matrix, v) => matrix.map((row) => row.reduce((sum, a, j) => sum + a * v[j], 0));
const minus = (a, b) => a.map((one, i) => one - b[i]);
const dot = (a, b) => a.reduce((sum, one, i) => sum + one * b[i], 0);
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

function lossOf(task, at) {
  const away = minus(at, task.centre);
  return dot(away, apply(task.curvature, away)) / 2;
}

// θ and where each inner step leads.
function adapt(data, task, theta) {
  const points = [theta];
  for (let k = 0; k < data.innerSteps; k += 1) {
    const gradient = apply(task.curvature, minus(points[k], task.centre));
    points.push(points[k].map((one, i) => one - data.innerLr * gradient[i]));
  }
  return points;
}

const before = (data, theta) => mean(data.tasks.map((task) => lossOf(task, theta)));
const after = (data, theta) =>
  mean(data.tasks.map((task) => lossOf(task, adapt(data, task, theta).at(-1))));

// Where a method is after each meta-update from θ.
function descend(data, method, theta) {
  const path = [theta];
  for (let t = 0; t < data.updates; t += 1) {
    path.push(apply(method.matrix, path[t]).map((one, i) => one + method.offset[i]));
  }
  return path;
}

// --- Drawing.

function svg(tag, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const line = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const written = (at) => (at.length === 1 ? number(at[0]) : `(${at.map((one) => number(one)).join(", ")})`);

function number(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

const styleOf = (method) => `stroke: ${method.colour}; stroke-dasharray: ${method.dash}`;

function markOf(style, x, y, size = 8) {
  const transform = `translate(${x} ${y}) scale(${size})`;
  return svg("path", { class: "mark", d: MARKS[style.marker], fill: style.colour, transform });
}

function scaleOf(low, high, from, to) {
  const scale = (value) => from + ((value - low) / (high - low)) * (to - from);
  scale.back = (pixel) => low + ((pixel - from) / (to - from)) * (high - low);
  return scale;
}

function ticks(high) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5].find((one) => high / one <= 5) ?? 10;
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => Math.round(10 * i * step) / 10);
}

function panel(figure, words, height) {
  const caption = element("figcaption");
  caption.append(...words);
  const plot = element("div", "plot");
  const picture = svg("svg", { height, "aria-hidden": "true" });
  plot.append(picture);
  figure.append(caption, plot);
  return { figure, plot, picture, height };
}

function handleOf(root, focusable) {
  const handle = element("div", focusable ? "theta" : "theta small");
  if (!focusable) return handle;
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "θ: move it with the arrow keys, with Shift in longer steps");
  handle.setAttribute("aria-valuemin", -RANGE);
  handle.setAttribute("aria-valuemax", RANGE);
  handle.onkeydown = (event) => onKey(root, event);
  handle.onkeyup = (event) => event.key in ARROWS && tell(root);
  return handle;
}

function swatch(data, name) {
  const made = element("i", name);
  made.style.borderColor = data.methods.find((one) => one.name === name).colour;
  return made;
}

const stepsOf = (data) => (data.innerSteps === 1 ? "one step" : `${data.innerSteps} steps`);

function words(data) {
  const steps = stepsOf(data);
  return {
    tasks: [`The tasks: where ${steps} of descent from θ lead on each of them`],
    objectives: [
      ...["Mean loss of all tasks: ", swatch(data, "multi_task"), " at θ itself, "],
      ...[swatch(data, "maml"), ` after ${steps} on each task`],
    ],
  };
}

function build(root) {
  const { data } = root;
  const one = data.theta.length === 1;
  root.classList.toggle("one", one);
  root.classList.toggle("two", !one);
  const said = words(data);
  const heights = one ? [225, 185] : [0, 0]; // a map is as high as it is wide
  root.panels = [said.tasks, said.objectives].map((caption, i) => panel(element("figure"), caption, heights[i]));
  root.panels.forEach((where, i) => {
    where.handle = handleOf(root, i === 0);
    // On one axis one handle is enough, and the methods would hide behind a second.
    if (!one || i === 0) where.plot.append(where.handle);
    listen(root, where);
  });
  root.querySelector(".plots").replaceChildren(...root.panels.map(({ figure }) => figure));
  buildScores(root);
}

function buildScores(root) {
  const { data } = root;
  const row = (style, name, label) => {
    const made = element("tr");
    made.dataset.name = name;
    made.style.setProperty("--row", `${style.colour}66`);
    const head = element("th");
    head.scope = "row";
    const icon = svg("svg", { viewBox: "-1.3 -1.3 2.6 2.6", "aria-hidden": "true" });
    const ring = { d: MARKS.circle, fill: "none", stroke: style.colour, "stroke-width": 0.35 };
    icon.append(svg("path", name === "best" ? ring : { d: MARKS[style.marker], fill: style.colour }));
    head.append(icon, label);
    made.append(head, element("td", "at"), element("td", "before"), element("td", "after"));
    return made;
  };
  root.querySelector(".goal").textContent = `loss after ${stepsOf(data)}`;
  const rows = [row(data.you, "you", data.you.label), row(data.you, "best", "Your best so far")];
  rows.push(...data.methods.map((method) => row(method, method.name, method.label)));
  root.querySelector("tbody").replaceChildren(...rows);
  // The bars' full length: half as much again as the worst of these.
  const places = [...data.tasks.map((task) => task.centre), multiTaskOf(data).end];
  root.worst = 1.5 * Math.max(...places.map((at) => after(data, at)));
}

const multiTaskOf = (data) => data.methods.find(({ name }) => name === "multi_task");

// What does not move with θ: drawn when the world or the width is another.
function drawGround(root) {
  const { data } = root;
  if (!root.clientWidth) return;
  root.panels.forEach((where, i) => {
    const width = where.plot.clientWidth;
    const two = data.theta.length === 2;
    const [left, top, right, bottom] = two ? [26, 4, 4, 22] : [34, 4, 10, 22];
    if (two) where.height = width - left - right + top + bottom;
    where.picture.setAttribute("height", where.height);
    where.box = { left, top, width: width - left - right, height: where.height - top - bottom };
    where.x = scaleOf(-RANGE, RANGE, left, width - right);
    const high = two ? null : i ? objectiveTop(data) : STEEP;
    where.y = scaleOf(two ? -RANGE : 0, high ?? RANGE, where.height - bottom, top);
    where.moving = svg("g");
    const ground = [...axes(data, where, high), ...(i ? objectives : tasks)(root, where)];
    where.picture.replaceChildren(...ground, where.moving);
  });
  redraw(root);
}

// The multi-task curve's lowest point is half way up.
function objectiveTop(data) {
  return 2 * before(data, multiTaskOf(data).end);
}

function axes(data, where, high) {
  const { left, top, width, height } = where.box;
  const id = `inside-${Math.round(where.box.width)}-${Math.round(height)}`;
  const clip = svg("clipPath", { id });
  clip.append(svg("rect", { x: left, y: top, width, height }));
  where.clip = `url(#${id})`;
  const made = [clip, svg("rect", { class: "frame", x: left, y: top, width, height })];
  const label = (x, y, anchor, text) => made.push(svg("text", { x, y, "text-anchor": anchor }, text));
  const whole = Array.from({ length: 2 * RANGE + 1 }, (_, i) => i - RANGE);
  for (const value of whole) {
    const x = where.x(value);
    made.push(svg("line", { class: "grid", x1: x, x2: x, y1: top, y2: top + height }));
    if (value % 2 === 0) label(x, top + height + 16, value === RANGE ? "end" : "middle", number(value, 0));
  }
  for (const value of high ? ticks(high) : whole) {
    const y = where.y(value);
    made.push(svg("line", { class: "grid", x1: left, x2: left + width, y1: y, y2: y }));
    const digits = high && high < 3 ? 1 : 0;
    if (high || value % 2 === 0) label(left - 5, y + (y < top + 5 ? 9 : 4), "end", number(value, digits));
  }
  label(left + width - 4, top + height - 7, "end", high ? "θ" : "θ₁");
  label(left + 6, top + 15, "start", high ? "loss" : "θ₂");
  return made;
}

function curveOf(where, f) {
  const points = Array.from({ length: 161 }, (_, i) => {
    const theta = -RANGE + (i * 2 * RANGE) / 160;
    return [where.x(theta), where.y(f([theta]))];
  });
  return line(points);
}

// Levels of a parabola over two parameters: `level` makes an ellipse of the unit circle.
function rings(where, centre, level, attributes) {
  const unit = where.x(1) - where.x(0);
  const [[a, b], [c, d]] = level;
  const longest = (a + d + Math.hypot(a - d, 2 * b)) / 2; // the matrix is symmetric
  const [x, y] = [where.x(centre[0]), where.y(centre[1])];
  return RINGS.map((size) => {
    const s = (size * unit) / longest;
    return svg("circle", { ...attributes, r: 1, transform: `matrix(${s * a} ${-s * c} ${-s * b} ${s * d} ${x} ${y})` });
  });
}

function nameOf(where, i, [x, y], attributes = {}) {
  return svg("text", { class: "name", x: where.x(x), y: where.y(y), ...attributes }, i + 1);
}

function tasks(root, where) {
  const { data } = root;
  const group = svg("g", { "clip-path": where.clip });
  const names = svg("g");
  data.tasks.forEach((task, i) => {
    if (data.theta.length === 1) {
      group.append(svg("path", { class: "task", d: curveOf(where, (theta) => lossOf(task, theta)) }));
      names.append(nameOf(where, i, [task.centre[0], 0.1 * STEEP]));
    } else {
      group.append(...rings(where, task.centre, task.level, { class: "task" }));
      names.append(nameOf(where, i, task.centre));
    }
  });
  return [group, names];
}

function objectives(root, where) {
  const { data } = root;
  const group = svg("g", { "clip-path": where.clip });
  const of = { multi_task: (theta) => before(data, theta), maml: (theta) => after(data, theta) };
  data.methods.filter(({ name }) => name in of).forEach((method) => {
    const style = styleOf(method);
    if (data.theta.length === 1) {
      group.append(svg("path", { class: "curve whole", style, d: curveOf(where, of[method.name]) }));
    } else if (method.level) {
      group.append(...rings(where, method.end, method.level, { class: "curve whole", style: `${style}; stroke-width: 2` }));
    }
  });
  if (data.theta.length === 2) {
    group.append(...data.tasks.map(({ centre }, i) => nameOf(where, i, centre, { opacity: 0.6 })));
  }
  return [group];
}

// What moves with θ, and with the methods.
function redraw(root) {
  const { data, theta } = root;
  if (!root.panels?.[0].x) return;
  root.classList.toggle("hidden", !root.revealed);
  root.paths = data.methods.map((method) => descend(data, method, theta));
  root.panels.forEach((where, i) => {
    const inside = svg("g", { "clip-path": where.clip });
    const [x, foot] = [where.x(theta[0]), where.box.top + where.box.height];
    if (theta.length === 1) inside.append(svg("line", { class: "here", x1: x, x2: x, y1: where.box.top, y2: foot }));
    inside.append(...(i ? found(root, where) : hops(root, where)));
    where.moving.replaceChildren(inside);
    const y = theta.length === 2 ? where.y(theta[1]) : foot;
    where.handle.style.transform = `translate(${x}px, ${y}px)`;
  });
  const [handle] = root.panels.map((where) => where.handle);
  handle.setAttribute("aria-valuenow", theta[0]);
  handle.setAttribute("aria-valuetext", `θ = ${written(theta)}, mean loss after adapting ${number(after(data, theta), 3)}`);
  root.dataset.theta = theta.join();
  root.dataset.update = root.update;
  score(root);
  say(root);
}

function hops(root, where) {
  const { data, theta } = root;
  return data.tasks.flatMap((task) => {
    const points = adapt(data, task, theta);
    const places = points.map((at) => [where.x(at[0]), where.y(at.length === 1 ? lossOf(task, at) : at[1])]);
    const dots = places.slice(theta.length === 1 ? 0 : 1).map(([cx, cy], k, all) =>
      svg("circle", { class: k === all.length - 1 ? "hop last" : "hop", cx, cy, r: k === all.length - 1 ? 6 : 4 }),
    );
    return [svg("path", { class: "way", d: line(places) }), ...dots];
  });
}

function found(root, where) {
  const { data, theta } = root;
  const place = (at) => [where.x(at[0]), where.y(at.length === 1 ? after(data, at) : at[1])];
  const made = root.revealed ? [] : visited(root, where);
  if (theta.length === 1) {
    for (const value of [before(data, theta), after(data, theta)]) {
      made.push(svg("circle", { class: "hop last", cx: where.x(theta[0]), cy: where.y(value), r: 5 }));
    }
  }
  if (root.best) made.push(svg("circle", { class: "best", cx: place(root.best)[0], cy: place(root.best)[1], r: 11 }));
  if (!root.revealed) return made;
  const taken = [];
  const marks = data.methods.flatMap((method, m) => {
    if (theta.length === 2) {
      const d = line(root.paths[m].slice(0, root.update + 1).map(place));
      made.push(svg("path", { class: "path", style: styleOf(method), d }));
    }
    if (root.update === 0) return [];
    const [x, y] = place(root.paths[m][root.update]);
    if (!(Math.abs(x) < 1e5 && Math.abs(y) < 1e5)) return [];
    // Those that meet stand on each other.
    const under = taken.filter(([u, v]) => Math.hypot(u - x, v - y) < 9).length;
    taken.push([x, y]);
    return [markOf(method, x, y - 17 * under)];
  });
  return [...made, ...marks];
}

// The curves where the person has been.
function visited(root, where) {
  const { data, theta } = root;
  const seen = [...root.visited].map((text) => text.split(",").map(Number));
  if (theta.length === 2) {
    return seen.map((at) => {
      const opacity = Math.max(0.12, 1 - after(data, at) / root.worst);
      return svg("circle", { class: "trail", cx: where.x(at[0]), cy: where.y(at[1]), r: 4, opacity });
    });
  }
  seen.sort((a, b) => a[0] - b[0]);
  return data.methods.filter(({ name }) => ["maml", "multi_task"].includes(name)).map((method) => {
    const f = method.name === "maml" ? after : before;
    const d = seen.map(([at], i) => {
      const joined = i && at - seen[i - 1][0] < 1.5 * GRAIN;
      // A place alone is a dot: a line of no length.
      return `${joined ? "L" : "M"}${where.x(at).toFixed(1)} ${where.y(f(data, [at])).toFixed(1)}h0.01`;
    }).join("");
    return svg("path", { class: "curve", style: styleOf(method), d });
  });
}

function score(root) {
  const { data } = root;
  const at = { you: root.theta, best: root.best };
  const shown = root.revealed && root.update > 0;
  data.methods.forEach(({ name }, m) => { at[name] = shown ? root.paths[m][root.update] : null; });
  const rows = [...root.querySelectorAll("tbody tr")];
  const values = rows.map((row) => (at[row.dataset.name] ? after(data, at[row.dataset.name]) : Infinity));
  const lowest = Math.min(...values);
  rows.forEach((row, i) => {
    const place = at[row.dataset.name];
    const far = place?.some((one) => !(Math.abs(one) < 1000));
    row.querySelector(".at").textContent = !place ? "–" : far ? "far away" : written(place);
    row.querySelector(".before").textContent = !place || far ? "–" : number(before(data, place), 3);
    const cell = row.querySelector(".after");
    cell.textContent = !place || far ? "–" : number(values[i], 3);
    cell.style.setProperty("--share", place && !far ? `${Math.min(100, (100 * values[i]) / root.worst)}%` : "0%");
    row.classList.toggle("lowest", root.revealed && values[i] < lowest + 5e-4);
  });
  root.querySelector(".controls input").value = root.update;
  root.querySelector(".where").textContent = `Meta-update ${root.update} of ${data.updates}`;
}

function say(root) {
  const { data, theta, best } = root;
  const steps = stepsOf(data);
  const readout = [`θ = ${written(theta)}`, `mean loss ${number(before(data, theta), 3)}`];
  readout.push(`after ${steps} ${number(after(data, theta), 3)}`);
  if (best) readout.push(`your best so far ${number(after(data, best), 3)} at ${written(best)}`);
  root.querySelector(".readout").textContent = readout.join(" · ");
  const keys = matchMedia("(pointer: coarse)").matches ? "" : ", or use the arrow keys";
  let text = `Drag θ${keys}. From where is the mean loss after ${steps} lowest? `;
  if (root.revealed) text += "Then look where the methods go from there.";
  else text += theta.length === 1 ? "The curves appear where you have been." : "Dots stay where you have been, the darker the lower.";
  const least = data.methods.find(({ name }) => name === "maml").end;
  if (root.revealed && root.update === data.updates && best && least) text = verdict(data, best, least);
  // Written only when it is new: it is read aloud each time.
  const status = root.querySelector(".verdict");
  if (status.textContent !== text) status.textContent = text;
}

function verdict(data, best, end) {
  const [mine, least] = [after(data, best), after(data, end)];
  const above = mine / least - 1;
  if (above < 0.01) return `You found it: ${number(mine, 3)} at θ = ${written(best)} is the lowest there is, and MAML's place.`;
  const far = above > 1 ? `${number(above + 1, 1)} times that` : `${Math.round(100 * above)} % above it`;
  return `The lowest there is, ${number(least, 3)}, is MAML's; your best is ${far}. Look where the others rest, and drag on.`;
}

// --- What the person does.

function move(root, theta) {
  const was = root.theta;
  root.theta = theta.map((one) => Number(Math.min(RANGE, Math.max(-RANGE, one)).toFixed(2))); // in grains
  visit(root, was);
  const value = after(root.data, root.theta);
  if (!root.best || value < after(root.data, root.best)) root.best = root.theta;
  redraw(root);
}

// While θ is dragged, what lies between two places has been passed.
function visit(root, was) {
  const { theta } = root;
  if (theta.length === 2) {
    root.visited.add(theta.map((one) => one.toFixed(1)).join()); // not a dot on each pixel
    return;
  }
  const way = theta[0] - was[0];
  const passed = root.drag?.moving || Math.abs(way) < 2 * KEY_STEP ? Math.round(Math.abs(way) / GRAIN) : 0;
  for (let i = 0; i < passed; i += 1) root.visited.add((was[0] + (way * i) / passed).toFixed(2));
  root.visited.add(theta[0].toFixed(2));
}

function tell(root) {
  const text = root.theta.join();
  if (text === root.told) return;
  root.told = text;
  root.send("theta", root.theta);
}

function under(root, where, event) {
  const box = where.plot.getBoundingClientRect();
  const [dx, dy] = root.drag?.grip ?? [0, 0];
  const at = [where.x.back(event.clientX - box.left - dx)];
  if (root.theta.length === 2) at.push(where.y.back(event.clientY - box.top - dy));
  return at;
}

function listen(root, where) {
  const { plot, handle } = where;
  plot.onpointerdown = (event) => {
    if (event.button || root.drag) return;
    const held = handle.contains(event.target);
    const box = handle.getBoundingClientRect();
    const grip = held ? [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2] : [0, 0];
    root.drag = { id: event.pointerId, x: event.clientX, grip, moving: false };
    plot.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") event.preventDefault(); // no text is selected
    root.panels[0].handle.focus({ preventScroll: true });
    // A mouse takes θ along at once; a finger may be about to scroll.
    if (!held && event.pointerType !== "touch") move(root, under(root, where, event));
    if (held || event.pointerType !== "touch") begin(root);
  };
  plot.onpointermove = (event) => {
    if (event.pointerId !== root.drag?.id) return;
    if (!root.drag.moving && Math.abs(event.clientX - root.drag.x) < DRAG_PX) return;
    begin(root);
    move(root, under(root, where, event));
  };
  const end = (event) => {
    if (event.pointerId !== root.drag?.id) return;
    // A tap puts θ there.
    if (event.type === "pointerup" && !root.drag.moving) move(root, under(root, where, event));
    root.drag = null;
    root.classList.remove("dragged");
    tell(root);
  };
  plot.onpointerup = plot.onpointercancel = plot.onlostpointercapture = end;
}

function begin(root) {
  root.drag.moving = true;
  root.classList.add("dragged");
}

function onKey(root, event) {
  if (!(event.key in ARROWS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const size = event.shiftKey ? 10 * KEY_STEP : KEY_STEP;
  const [right, up] = ARROWS[event.key];
  // In one parameter up is more, as on any slider.
  const by = root.theta.length === 1 ? [right + up] : [right, up];
  move(root, root.theta.map((one, i) => one + size * by[i]));
}

function stop(root) {
  cancelAnimationFrame(root.frame);
  root.frame = null;
  root.querySelector(".play").classList.remove("playing");
}

function play(root) {
  const now = performance.now();
  if (now - (root.pressed ?? -TWICE_MS) < TWICE_MS) return;
  root.pressed = now;
  if (root.frame) return stop(root);
  const { updates } = root.data;
  root.revealed = true;
  if (root.update === updates) root.update = 0;
  root.querySelector(".play").classList.add("playing");
  const start = now - (root.update / updates) ** 0.5 * PLAY_MS;
  const step = (time) => {
    if (!root.isConnected) return stop(root);
    // Slowly at first, when the way of an update is longest.
    const share = Math.min(1, Math.max(0, time - start) / PLAY_MS);
    root.update = Math.max(root.update, Math.round(updates * share ** 2));
    redraw(root);
    if (root.update < updates) root.frame = requestAnimationFrame(step);
    else stop(root);
  };
  redraw(root);
  root.frame = requestAnimationFrame(step);
}

function go(root, update) {
  stop(root);
  root.update = update;
  if (update) root.revealed = true;
  redraw(root);
}

function listenToControls(root) {
  root.querySelector(".play").onclick = () => play(root);
  root.querySelector(".rewind").onclick = () => go(root, 0);
  root.querySelector(".controls input").oninput = (event) => go(root, Number(event.target.value));
}

export default function toy({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".toy");
  const was = root.data;
  Object.assign(root, { data, send: setTriggerValue });
  if (!was) {
    listenToControls(root);
    root.width = new ResizeObserver(() => drawGround(root));
  }
  root.style.setProperty("--you", data.you.colour);
  const isNewWorld = was?.world !== data.world || was?.byHand !== data.byHand;
  const isNew = isNewWorld || was?.revision !== data.revision;
  // θ is the person's: what comes back of it is older.
  if (!was || was.theta.length !== data.theta.length) {
    root.theta = data.theta;
    root.told = data.theta.join();
  }
  if (isNewWorld) {
    stop(root);
    root.revealed = !data.byHand;
    root.update = data.byHand ? 0 : data.updates;
  }
  if (!isNew) return;
  root.querySelector(".controls input").max = data.updates;
  if (was?.revision !== data.revision) Object.assign(root, { best: null, visited: new Set() });
  root.drag = null;
  build(root);
  root.width.observe(root);
  drawGround(root);
  root.dataset.revision = data.revision;
}
