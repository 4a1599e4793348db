// The world in numbers and in words.

import { announce, element, find, findAll, svg } from "../shared/elements.js";
import { lossAfter, lossBefore, minimiser } from "./arithmetic.js";
import { MARKS, number, thetaInWords } from "./plot_panel.js";

/** @import { Vector } from "../shared/browser.js" */
/** @import { Data, Style } from "./arithmetic.js" */
/** @import { Root } from "./toy_world.js" */

const FAR_AWAY = 1000; // of a parameter
const SAME_LOSS = 5e-4; // to three decimals
const FOUND_WITHIN = 0.01; // of the lowest loss

/** @param {Data} data */
export function stepsInWords({ innerSteps }) {
  return innerSteps === 1 ? "one step" : `${innerSteps} steps`;
}

/**
 * @param {Style} style
 * @param {string} name
 * @param {string} label
 */
function scoreRow(style, name, label) {
  const made = element("tr");
  made.dataset.name = name;
  made.style.setProperty("--row", `color-mix(in srgb, ${style.colour} 40%, transparent)`);
  const head = element("th");
  head.scope = "row";
  const mark = svg("svg", { viewBox: "-1.3 -1.3 2.6 2.6", "aria-hidden": "true" });
  const ring = { d: MARKS.circle, fill: "none", stroke: style.colour, "stroke-width": 0.35 };
  mark.append(svg("path", name === "best" ? ring : { d: MARKS[style.marker], fill: style.colour }));
  head.append(mark, label);
  made.append(head, element("td", "at"), element("td", "before"), element("td", "after"));
  return made;
}

/** @param {Root} root */
export function buildScores(root) {
  const { data } = root;
  find(root, ".goal").textContent = `loss after ${stepsInWords(data)}`;
  find(root, "tbody").replaceChildren(
    scoreRow(data.you, "you", data.you.label),
    scoreRow(data.you, "best", "Your best so far"),
    ...data.methods.map((method) => scoreRow(method, method.name, method.label)),
  );
  // The bars' full length: half as much again as the worst of these.
  const { end } = minimiser(data, "before");
  const corners = [...data.tasks.map((task) => task.centre), ...(end ? [end] : [])];
  root.worst = 1.5 * Math.max(...corners.map((at) => lossAfter(data, at)));
}

/** @param {Root} root */
export function showScores(root) {
  const { data, stepper } = root;
  /** @type {Record<string, Vector | null>} */
  const places = { you: root.theta, best: root.best };
  data.methods.forEach(({ name }, m) => {
    places[name] = root.revealed && stepper.step > 0 ? root.paths[m][stepper.step] : null;
  });
  const rows = findAll(root, "tbody tr").map((row) => {
    const place = places[row.dataset.name ?? ""];
    return { row, place, after: place ? lossAfter(data, place) : Infinity };
  });
  const lowest = Math.min(...rows.map(({ after }) => after));
  for (const { row, place, after } of rows) {
    const isFar = place?.some((one) => !(Math.abs(one) < FAR_AWAY)) ?? false;
    const isNear = place !== null && !isFar;
    find(row, ".at").textContent = isFar ? "far away" : place ? thetaInWords(place) : "–";
    find(row, ".before").textContent = isNear ? number(lossBefore(data, place), 3) : "–";
    const cell = find(row, ".after");
    cell.textContent = isNear ? number(after, 3) : "–";
    cell.style.setProperty("--share", isNear ? `${Math.min(100, (100 * after) / root.worst)}%` : "0%");
    row.classList.toggle("lowest", root.revealed && after < lowest + SAME_LOSS);
  }
}

/** @param {Root} root */
export function showWords(root) {
  const { data, theta, best, stepper } = root;
  const steps = stepsInWords(data);
  const readout = [
    `θ = ${thetaInWords(theta)}`,
    `mean loss ${number(lossBefore(data, theta), 3)}`,
    `after ${steps} ${number(lossAfter(data, theta), 3)}`,
  ];
  if (best) readout.push(`your best so far ${number(lossAfter(data, best), 3)} at ${thetaInWords(best)}`);
  find(root, ".readout").textContent = readout.join(" · ");
  const { end } = minimiser(data, "after");
  const isOver = root.revealed && stepper.step === data.updates;
  announce(find(root, ".verdict"), isOver && best && end ? verdict(data, best, end) : question(root, steps));
}

/**
 * @param {Root} root
 * @param {string} steps
 */
function question({ revealed, theta }, steps) {
  const keys = matchMedia("(pointer: coarse)").matches ? "" : ", or use the arrow keys";
  const asked = `Drag θ${keys}. From where is the mean loss after ${steps} lowest?`;
  if (revealed) return `${asked} Then look where the methods go from there.`;
  const trail = theta.length === 1
    ? "The curves appear where you have been."
    : "Dots stay where you have been: the darker, the lower the loss.";
  return `${asked} ${trail}`;
}

/**
 * @param {Data} data
 * @param {Vector} best - The person's.
 * @param {Vector} end - The lowest there is.
 */
function verdict(data, best, end) {
  const [mine, least] = [lossAfter(data, best), lossAfter(data, end)];
  const excess = mine / least - 1;
  const [mineInWords, leastInWords] = [number(mine, 3), number(least, 3)];
  if (mineInWords === leastInWords) {
    return `You found it: ${mineInWords} at θ = ${thetaInWords(best)} is the lowest there is, and MAML's place. ${contrast(data, least)}`;
  }
  if (excess < FOUND_WITHIN) {
    return `You found it, within 1 %: ${mineInWords} at θ = ${thetaInWords(best)}; the lowest there is, ${leastInWords}, is MAML's. ${contrast(data, least)}`;
  }
  const words = excess > 1 ? `${number(excess + 1, 1)} times that` : `${Math.round(100 * excess)} % above it`;
  return `The lowest there is, ${leastInWords}, is MAML's; your best is ${words}. ${contrast(data, least)}`;
}

/**
 * What it costs to start where the loss is lowest before any step, as multi-task training does.
 * @param {Data} data
 * @param {number} least - The lowest loss after adapting.
 */
function contrast(data, least) {
  const { end } = minimiser(data, "before");
  if (!end) return "";
  const [there, lowest] = [number(lossAfter(data, end), 3), number(least, 3)];
  return there === lowest
    ? "Multi-task training rests there too: here MAML gains nothing by looking ahead."
    : `Multi-task training rests where the loss before any step is lowest: from there it ends at ${there}, not ${lowest}.`;
}
