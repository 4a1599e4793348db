// The state of a round: what was asked, what each player said to it, and who was right.

/** @import { Send } from "../shared/browser.js" */

/**
 * @typedef {object} Question
 * @property {string} query - Its picture.
 * @property {string} caption - Which character it is.
 * @property {string[]} choices - Their pictures.
 * @property {string[]} names - The choices' characters.
 * @property {number} truth - Index of the right choice.
 */

/**
 * The first is the person.
 *
 * @typedef {object} Player
 * @property {string} label
 * @property {string} colour
 * @property {string} ink - To be read on it.
 * @property {string} marker
 * @property {number[] | null} answers - Of a machine; null: not known yet.
 */

/**
 * @typedef {object} Data
 * @property {string} revision - Names the round.
 * @property {Question[]} questions
 * @property {Player[]} players
 * @property {(number | null)[]} picks - What the person has chosen before.
 * @property {number | null} seconds - For each question; null: as long as one likes.
 * @property {string} nextRound - What the button to the next round says.
 * @property {{ who: number, kind: string, subject: string } | null} handIn - To a class, if to one.
 */

/**
 * @typedef {object} State
 * @property {Data} data
 * @property {Send} trigger
 * @property {(number | null)[]} picks - The person's choices so far; null: none in time.
 * @property {number} at - The question that is shown; after the last one, the result.
 * @property {number} shownAt - When.
 * @property {boolean} begun - The clock of this page runs.
 * @property {number} [asked] - The question that the clock was set for.
 * @property {number} left - Milliseconds of it.
 * @property {number} tickedAt
 */

/** @typedef {HTMLElement & State} Root */

/**
 * What a player said to a question that the person has answered; null: not known yet.
 *
 * @param {Root} root
 * @param {number} player
 * @param {number} question
 */
export function answerOf({ data, picks }, player, question) {
  if (question >= picks.length) return null;
  return (player === 0 ? picks : data.players[player].answers)?.[question] ?? null;
}

/**
 * Whether the person did not answer in time.
 *
 * @param {Root} root
 * @param {number} player
 * @param {number} question
 */
export function isMissed({ picks }, player, question) {
  return player === 0 && picks[question] === null;
}

/**
 * @param {Root} root
 * @param {number} player
 * @param {number} question
 */
export function isRight(root, player, question) {
  return answerOf(root, player, question) === root.data.questions[question].truth;
}

/**
 * @param {Root} root
 * @param {number} player
 */
export function countRight(root, player) {
  return root.data.questions.filter((_, question) => isRight(root, player, question)).length;
}

/**
 * The question whose answers differ most instructively: the first machine was right and another
 * player wrong; else somebody was wrong; else the first.
 *
 * @param {Root} root
 */
export function mostTelling(root) {
  const { questions, players } = root.data;
  const others = players.map((_, player) => player).filter((player) => player !== 1).reverse();
  for (const other of others) {
    const found = questions.findIndex((_, k) => isRight(root, 1, k) && !isRight(root, other, k));
    if (found >= 0) return found;
  }
  const wrong = questions.findIndex((_, k) => players.some((_one, p) => !isRight(root, p, k)));
  return Math.max(wrong, 0);
}

/**
 * The result is shown.
 *
 * @param {Root} root
 */
export function isOver({ data, at }) {
  return at === data.questions.length;
}

/**
 * A question is shown with its answers.
 *
 * @param {Root} root
 */
export function isRevealed(root) {
  return !isOver(root) && root.at < root.picks.length;
}

/**
 * A question is shown that the person has not answered.
 *
 * @param {Root} root
 */
export function isOpen(root) {
  return root.at === root.picks.length && !isOver(root);
}

/**
 * An open question, in a round that is timed.
 *
 * @param {Root} root
 */
export function isTimed(root) {
  return root.data.seconds !== null && isOpen(root);
}

/**
 * The clock waits for the person to start.
 *
 * @param {Root} root
 */
export function isWaiting(root) {
  return isTimed(root) && !root.begun;
}
