// Who was right in which question, and what misled the others.

import { element, find, findAll } from "../shared/elements.js";
import { answerOf, countRight, isMissed, isRight } from "./round.js";

/** @import { Player, Root } from "./round.js" */

/** @param {Player} player */
export function markOf(player) {
  const mark = element("i", `mark ${player.marker}`);
  mark.style.setProperty("--player", player.colour);
  mark.title = player.label;
  return mark;
}

/**
 * A picture that cannot be dragged off by a hasty click.
 *
 * @param {string} source
 * @param {string} words
 */
export function picture(source, words) {
  const made = element("img");
  made.src = source;
  made.alt = words;
  made.draggable = false;
  return made;
}

/**
 * @param {Root} root
 * @param {(question: number) => void} show - Called when a question's number is pressed.
 */
export function buildScores(root, show) {
  const { data } = root;
  const numbers = data.questions.map((_, k) => {
    const head = element("th");
    const button = element("button", "", k + 1);
    button.type = "button";
    button.title = `Question ${k + 1}`;
    button.onclick = () => show(k);
    head.append(button);
    return head;
  });
  find(root, ".scores thead tr").replaceChildren(element("th"), ...numbers, element("th"));
  const rows = data.players.map((player) => {
    const row = element("tr");
    row.style.setProperty("--player", player.colour);
    row.style.setProperty("--ink", player.ink);
    const name = element("th");
    name.scope = "row";
    name.append(markOf(player), player.label);
    row.append(name, ...data.questions.map(() => element("td", "cell")), element("td", "sum"));
    return row;
  });
  find(root, ".scores tbody").replaceChildren(...rows);
}

/** @param {Root} root */
export function markScores(root) {
  root.querySelectorAll(".scores thead button").forEach((button, k) => {
    if (button instanceof HTMLButtonElement) button.disabled = k > root.picks.length;
    button.classList.toggle("current", k === root.at);
  });
  findAll(root, ".scores tbody tr").forEach((row, p) => {
    findAll(row, ".cell").forEach((cell, k) => markCell(root, cell, p, k));
    find(row, ".sum").textContent = String(countRight(root, p));
  });
}

/**
 * @param {Root} root
 * @param {HTMLElement} cell
 * @param {number} player
 * @param {number} question
 */
function markCell(root, cell, player, question) {
  const isAnswered = question < root.picks.length;
  cell.className = "cell";
  cell.title = "";
  if (isMissed(root, player, question)) {
    cell.classList.add("missed");
    cell.textContent = "–";
    cell.title = "no answer";
  } else if (answerOf(root, player, question) !== null) {
    const right = isRight(root, player, question);
    cell.classList.add(right ? "right" : "wrong");
    cell.textContent = right ? "✓" : "✗";
  } else {
    cell.textContent = isAnswered ? "…" : "";
    if (isAnswered) cell.title = `${root.data.players[player].label} is still adapting`;
  }
}

/**
 * The pictures that misled those who were wrong, beside the right one.
 *
 * @param {Root} root
 */
export function misleadingPictures(root) {
  const { data, at } = root;
  const question = data.questions[at];
  /** @type {Map<number, Player[]>} */
  const byAnswer = new Map();
  data.players.forEach((player, p) => {
    const label = answerOf(root, p, at);
    if (label === null || label === question.truth) return;
    byAnswer.set(label, [...(byAnswer.get(label) ?? []), player]);
  });
  const numbered = (/** @type {number} */ label) => `${label + 1}: ${question.names[label]}`;
  return [...byAnswer].map(([label, players]) => {
    const words = element("p");
    players.forEach((player, i) => words.append(i ? " and " : "", markOf(player), player.label));
    words.append(` answered ${label + 1}`);
    const pictures = element("div", "pictures");
    for (const [source, caption] of [
      [question.choices[label], numbered(label)],
      [question.query, "the question"],
      [question.choices[question.truth], numbered(question.truth)],
    ]) {
      const figure = element("figure");
      figure.append(picture(source, caption), element("figcaption", "", caption));
      pictures.append(figure);
    }
    const box = element("div");
    box.append(words, pictures);
    return box;
  });
}
