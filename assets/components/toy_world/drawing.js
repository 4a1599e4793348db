// What is drawn in the two pictures: the tasks and the objectives, which stay, and what follows θ
// and the methods.

import { svg } from "../shared/elements.js";
import { innerLoop, lossAfter, lossBefore, metaUpdates, minimiser, objectiveOf, taskLoss } from "./arithmetic.js";
import { curvePath, fitFrame, linePath, lineStyle, markAt, rings } from "./plot_panel.js";

/** @import { Vector } from "../shared/browser.js" */
/** @import { Frame } from "./plot_panel.js" */
/** @import { Root } from "./toy_world.js" */

const MAX_TASK_LOSS = 6; // there the tasks' curves leave the picture
const MARK_SPACING = 17; // pixels between methods that stand on each other
const MARKS_MEET = 9; // pixels
const DRAWABLE = 1e5; // pixels: farther away a mark cannot be drawn
export const GRAIN = 0.01; // of θ

/**
 * Draw what does not move with θ: when the world or the width is another.
 *
 * @param {Root} root
 */
export function drawGround(root) {
  const { data } = root;
  const losses = data.theta.length === 2 ? [null, null] : [MAX_TASK_LOSS, maxObjective(root)];
  root.panels.forEach((panel, i) => {
    const ground = fitFrame(panel, data.reach, losses[i], i);
    const { frame } = panel;
    if (frame) panel.picture.replaceChildren(...ground, ...(i ? objectives : tasks)(root, frame), frame.moving);
  });
}

/**
 * The top of the picture: the lowest point of the losses before adapting is half way up.
 *
 * @param {Root} root
 */
function maxObjective({ data }) {
  const { end } = minimiser(data, "before");
  return end ? 2 * lossBefore(data, end) : MAX_TASK_LOSS;
}

/**
 * A task's number.
 *
 * @param {Frame} frame
 * @param {number} task
 * @param {Vector} place
 */
function taskName(frame, task, [x, y], opacity = 1) {
  return svg("text", { class: "name", x: frame.x(x), y: frame.y(y), opacity }, task + 1);
}

/**
 * @param {Root} root
 * @param {Frame} frame
 */
function tasks({ data }, frame) {
  const group = svg("g", { "clip-path": frame.clip });
  const names = svg("g");
  data.tasks.forEach((task, i) => {
    if (data.theta.length === 1) {
      const d = curvePath(frame, data.reach, (theta) => taskLoss(task, theta));
      group.append(svg("path", { class: "task", d }));
      names.append(taskName(frame, i, [task.centre[0], 0.1 * MAX_TASK_LOSS]));
    } else {
      group.append(...rings(frame, task.centre, task.level, { class: "task" }));
      names.append(taskName(frame, i, task.centre));
    }
  });
  return [group, names];
}

/**
 * @param {Root} root
 * @param {Frame} frame
 */
function objectives({ data }, frame) {
  const group = svg("g", { "clip-path": frame.clip });
  for (const method of data.methods.filter(({ objective }) => objective)) {
    const style = lineStyle(method);
    if (data.theta.length === 1) {
      const d = curvePath(frame, data.reach, (theta) => objectiveOf(method)(data, theta));
      group.append(svg("path", { class: "curve whole", style, d }));
    } else if (method.end && method.level) {
      const attributes = { class: "curve whole", style: `${style}; stroke-width: 2` };
      group.append(...rings(frame, method.end, method.level, attributes));
    }
  }
  if (data.theta.length === 2) {
    group.append(...data.tasks.map(({ centre }, i) => taskName(frame, i, centre, 0.6)));
  }
  return [group];
}

/**
 * Draw what moves with θ, and with the methods.
 *
 * @param {Root} root
 */
export function drawMoving(root) {
  const { data, theta } = root;
  root.classList.toggle("hidden", !root.revealed);
  root.paths = data.methods.map((method) => metaUpdates(data, method, theta));
  root.panels.forEach(({ frame, handle }, i) => {
    if (!frame) return;
    const inside = svg("g", { "clip-path": frame.clip });
    const x = frame.x(theta[0]);
    if (theta.length === 1) {
      inside.append(svg("line", { class: "here", x1: x, x2: x, y1: frame.top, y2: frame.foot }));
    }
    inside.append(...(i ? [...places(root, frame), ...methodMarks(root, frame)] : innerSteps(root, frame)));
    frame.moving.replaceChildren(inside);
    const y = theta.length === 2 ? frame.y(theta[1]) : frame.foot;
    handle.style.transform = `translate(${x}px, ${y}px)`;
  });
}

/**
 * Where the inner loop leads on each task.
 *
 * @param {Root} root
 * @param {Frame} frame
 */
function innerSteps({ data, theta }, frame) {
  return data.tasks.flatMap((task) => {
    const points = innerLoop(data, task, theta);
    const ends = points.map((at) => [frame.x(at[0]), frame.y(at.length === 1 ? taskLoss(task, at) : at[1])]);
    const dots = ends.slice(theta.length === 1 ? 0 : 1).map(([cx, cy], k, all) => {
      const isLast = k === all.length - 1;
      return svg("circle", { class: isLast ? "hop last" : "hop", cx, cy, r: isLast ? 6 : 4 });
    });
    return [svg("path", { class: "way", d: linePath(ends) }), ...dots];
  });
}

/**
 * Where θ has been, is, and was best.
 *
 * @param {Root} root
 * @param {Frame} frame
 */
function places(root, frame) {
  const { data, theta, best } = root;
  /** @type {SVGElement[]} */
  const made = root.revealed ? [] : visitedPlaces(root, frame);
  if (theta.length === 1) {
    for (const value of [lossBefore(data, theta), lossAfter(data, theta)]) {
      made.push(svg("circle", { class: "hop last", cx: frame.x(theta[0]), cy: frame.y(value), r: 5 }));
    }
  }
  if (best) {
    const [cx, cy] = placeOfObjective(root, frame, best);
    made.push(svg("circle", { class: "best", cx, cy, r: 11 }));
  }
  return made;
}

/**
 * @param {Root} root
 * @param {Frame} frame
 * @param {Vector} at
 */
function placeOfObjective({ data }, frame, at) {
  return [frame.x(at[0]), frame.y(at.length === 1 ? lossAfter(data, at) : at[1])];
}

/**
 * The methods, and over two parameters their ways.
 *
 * @param {Root} root
 * @param {Frame} frame
 */
function methodMarks(root, frame) {
  const { data, theta } = root;
  if (!root.revealed) return [];
  const update = root.stepper.step;
  /** @type {Vector[]} */
  const taken = [];
  const lines = theta.length === 1 ? [] : data.methods.map((method, m) => {
    const way = root.paths[m].slice(0, update + 1);
    const d = linePath(way.map((at) => placeOfObjective(root, frame, at)));
    return svg("path", { class: "path", style: lineStyle(method), d });
  });
  const marks = data.methods.flatMap((method, m) => {
    const [x, y] = placeOfObjective(root, frame, root.paths[m][update]);
    if (update === 0 || !(Math.abs(x) < DRAWABLE && Math.abs(y) < DRAWABLE)) return [];
    // Those that meet stand on each other.
    const under = taken.filter(([u, v]) => Math.hypot(u - x, v - y) < MARKS_MEET).length;
    taken.push([x, y]);
    return [markAt(method, x, y - MARK_SPACING * under)];
  });
  return [...lines, ...marks];
}

/**
 * Over one parameter the curves where the person has been, over two a dot for each place.
 *
 * @param {Root} root
 * @param {Frame} frame
 */
function visitedPlaces(root, frame) {
  const { data, theta } = root;
  const seen = [...root.visited].map((text) => text.split(",").map(Number));
  if (theta.length === 2) {
    return seen.map((at) => {
      const opacity = Math.max(0.12, 1 - lossAfter(data, at) / root.worst);
      return svg("circle", { class: "trail", cx: frame.x(at[0]), cy: frame.y(at[1]), r: 4, opacity });
    });
  }
  seen.sort((a, b) => a[0] - b[0]);
  return data.methods.filter(({ objective }) => objective).map((method) => {
    const parts = seen.map(([at], i) => {
      const joined = i && at - seen[i - 1][0] < 1.5 * GRAIN;
      const loss = objectiveOf(method)(data, [at]);
      // A place alone is a dot: a line of no length.
      return `${joined ? "L" : "M"}${frame.x(at).toFixed(1)} ${frame.y(loss).toFixed(1)}h0.01`;
    });
    return svg("path", { class: "curve", style: lineStyle(method), d: parts.join("") });
  });
}
