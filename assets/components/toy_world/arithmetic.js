// The world's arithmetic: the same as in maml_core/teaching/quadratic_tasks.py, task by task.

/** @import { Matrix, Vector } from "../shared/browser.js" */

/**
 * A task's loss is a parabola.
 *
 * @typedef {object} Task
 * @property {Vector} centre
 * @property {Matrix} curvature
 * @property {Matrix} level - Makes of the unit circle a level of the loss.
 */

/** @typedef {{ label: string, colour: string, marker: string }} Style */

/**
 * A meta-update of a method is matrix · θ + offset.
 *
 * @typedef {object} MethodData
 * @property {string} name
 * @property {string} dash - Of its lines, as SVG writes it.
 * @property {"before" | "after" | null} objective - The mean loss that its end minimises.
 * @property {Matrix} matrix
 * @property {Vector} offset
 * @property {Vector | null} end - Where its updates lead; null: nowhere.
 * @property {Matrix | null} level
 */

/** @typedef {MethodData & Style} Method */

/**
 * @typedef {object} Data
 * @property {string} world
 * @property {string} revision - Of the world, α and the inner steps.
 * @property {boolean} byHand - The curves are hidden until the methods are let go.
 * @property {Vector} theta
 * @property {number} reach - θ goes from -reach to reach in each parameter.
 * @property {number} innerLr
 * @property {number} innerSteps
 * @property {number} updates - The methods' last meta-update.
 * @property {Style} you
 * @property {Task[]} tasks
 * @property {Method[]} methods
 */

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

/**
 * @param {Vector} a
 * @param {Vector} b
 */
const minus = (a, b) => a.map((one, i) => one - b[i]);

/**
 * @param {Vector} a
 * @param {Vector} b
 */
const dot = (a, b) => a.reduce((sum, one, i) => sum + one * b[i], 0);

/**
 * @param {Matrix} matrix
 * @param {Vector} v
 */
const apply = (matrix, v) => matrix.map((row) => dot(row, v));

/**
 * @param {Task} task
 * @param {Vector} theta
 */
export function taskLoss(task, theta) {
  const away = minus(theta, task.centre);
  return dot(away, apply(task.curvature, away)) / 2;
}

/**
 * θ and where each inner step leads.
 *
 * @param {Data} data
 * @param {Task} task
 * @param {Vector} theta
 */
export function innerLoop(data, task, theta) {
  const points = [theta];
  for (let k = 0; k < data.innerSteps; k += 1) {
    const gradient = apply(task.curvature, minus(points[k], task.centre));
    points.push(points[k].map((one, i) => one - data.innerLr * gradient[i]));
  }
  return points;
}

/**
 * The mean loss of all tasks at θ.
 *
 * @param {Data} data
 * @param {Vector} theta
 */
export function lossBefore(data, theta) {
  return mean(data.tasks.map((task) => taskLoss(task, theta)));
}

/**
 * The mean loss of all tasks after the inner loop on each.
 *
 * @param {Data} data
 * @param {Vector} theta
 */
export function lossAfter(data, theta) {
  return mean(data.tasks.map((task) => taskLoss(task, innerLoop(data, task, theta)[data.innerSteps])));
}

/**
 * The objective that a method's end minimises.
 *
 * @param {Method} method
 */
export function objectiveOf(method) {
  return method.objective === "after" ? lossAfter : lossBefore;
}

/**
 * Where a method is after each meta-update from θ.
 *
 * @param {Data} data
 * @param {Method} method
 * @param {Vector} theta
 */
export function metaUpdates(data, method, theta) {
  const path = [theta];
  for (let t = 0; t < data.updates; t += 1) {
    path.push(apply(method.matrix, path[t]).map((one, i) => one + method.offset[i]));
  }
  return path;
}

/**
 * The method whose end is lowest before, or after, the inner loop.
 *
 * @param {Data} data
 * @param {"before" | "after"} objective
 */
export function minimiser(data, objective) {
  const found = data.methods.find((method) => method.objective === objective);
  if (!found) throw new Error(`No method minimises the loss ${objective} adapting.`);
  return found;
}
