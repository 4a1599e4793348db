// A round of questions: choosing, revealing and going on ask nothing of the server. The pictures
// came with the page; the machines' answers follow while the person looks at the first question.
// Each choice is sent, so that the score outlives this page. In a timed round a choice can be null:
// nothing was chosen in time.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { putIntoOutbox } from "../shared/class_server.js";
import { DOUBLE_CLICK_MS } from "../shared/clicks.js";
import { announce, element, find, findAll } from "../shared/elements.js";
import { ARROWS, hasModifier, isMeantFor, listenToPageKeys } from "../shared/keys.js";
import { drawClock, startClock } from "./clock.js";
import { answerOf, countRight, isMissed, isOpen, isOver, isRevealed, isRight, isTimed, isWaiting, mostTelling } from "./round.js";
import { buildScores, markOf, markScores, misleadingPictures, picture } from "./score_table.js";

/** @import { ComponentArguments } from "../shared/browser.js" */
/** @import { Data, Root } from "./round.js" */

const MANY = 6; // choices from which on they are drawn small

/**
 * @param {string} source
 * @param {string} words
 * @param {number} number
 * @param {() => void} onclick
 */
function tile(source, words, number, onclick) {
  const made = element("button", "choice");
  made.type = "button";
  const foot = element("span", "foot");
  foot.append(element("b", "", number));
  made.append(picture(source, words), foot);
  made.onclick = onclick;
  return made;
}

/**
 * Show a question, or after the last one the result.
 *
 * @param {Root} root
 * @param {number} at
 */
function show(root, at) {
  const { questions, seconds } = root.data;
  if (at === root.picks.length && at !== root.asked) {
    root.asked = at;
    root.left = (seconds ?? 0) * 1000; // what is left of it waits while one looks back
  }
  root.at = at;
  const choices = find(root, ".choices");
  if (isOver(root)) {
    choices.replaceChildren(
      ...questions.map((one, k) =>
        tile(one.query, `Question ${k + 1}: ${one.caption}`, k + 1, () => show(root, k)),
      ),
    );
  } else {
    const question = questions[at];
    find(root, ".query", HTMLImageElement).src = question.query;
    choices.replaceChildren(
      ...question.choices.map((source, label) =>
        tile(source, `Example ${label + 1}`, label + 1, () => choose(root, label)),
      ),
    );
  }
  choices.classList.toggle("many", choices.childElementCount >= MANY);
  root.dataset.question = String(at + 1);
  root.shownAt = performance.now();
  mark(root);
}

/**
 * Start the clock.
 *
 * @param {Root} root
 */
function begin(root) {
  root.begun = true;
  mark(root);
  find(root, ".choices").focus({ preventScroll: true });
}

/**
 * Draw what is known by now, in place.
 *
 * @param {Root} root
 */
function mark(root) {
  const { data, at } = root;
  const [over, revealed] = [isOver(root), isRevealed(root)];
  root.classList.toggle("ended", over);
  root.classList.toggle("revealed", revealed);
  root.classList.toggle("waiting", isWaiting(root));
  root.dataset.answered = String(root.picks.length);
  root.querySelectorAll(".choice").forEach((choice, i) => {
    const players = data.players.filter((_, p) =>
      over ? isRight(root, p, i) : revealed && answerOf(root, p, at) === i,
    );
    if (choice instanceof HTMLButtonElement) choice.disabled = revealed;
    choice.classList.toggle("true", revealed && i === data.questions[at].truth);
    choice.classList.toggle("taken", players.length > 0);
    choice.querySelectorAll(".mark").forEach((old) => old.remove());
    find(choice, ".foot").append(...players.map(markOf));
  });
  const { title, note, button } = wordsFor(root);
  announce(find(root, ".words"), title);
  find(root, ".name").textContent = note;
  const forward = find(root, ".next");
  forward.textContent = button;
  forward.classList.toggle("idle", isOpen(root) && !isWaiting(root));
  markLearning(root);
  markScores(root);
  drawClock(root);
  find(root, ".misled").replaceChildren(...(revealed ? misleadingPictures(root) : []));
}

/**
 * Offer the episode of the question that is shown; after the round, of the one that tells most.
 *
 * @param {Root} root
 */
function markLearning(root) {
  const question = isOver(root) ? mostTelling(root) : root.at;
  const learn = find(root, ".learn");
  learn.hidden = !isOver(root) && !isRevealed(root);
  learn.textContent = isOver(root)
    ? `See how they learned question ${question + 1}`
    : "See how they learned it";
  learn.onclick = () => root.trigger("learn", question + 1);
}

/** @param {Root} root */
function wordsFor(root) {
  const { data, at } = root;
  const total = data.questions.length;
  if (isOver(root)) {
    const missed = root.picks.filter((pick) => pick === null).length;
    const counts = data.players.map((one, p) => `${one.label} ${countRight(root, p)}`);
    if (missed) counts[0] += ` (no answer to ${missed})`;
    return {
      title: `${counts.join(", ")} of ${total}`,
      note: "Under each question: who was right. Choose one to look at it again.",
      button: data.nextRound,
    };
  }
  const button = at + 1 < total ? "Next" : "See the result";
  if (isRevealed(root)) {
    const verdict = isMissed(root, 0, at) ? "No answer in time:" : isRight(root, 0, at) ? "Right," : "No,";
    const { truth, caption } = data.questions[at];
    return { title: `${verdict} it is ${truth + 1}.`, note: caption, button };
  }
  const keys = matchMedia("(pointer: coarse)").matches ? "" : ": click, or keys 1 to 9, or arrows and Enter";
  const note = `Question ${at + 1} of ${total}${keys}`;
  if (isWaiting(root)) return { title: `${data.seconds} seconds a question. Ready?`, note, button: "Start" };
  return { title: "Which of these is the same character?", note, button };
}

/**
 * @param {Root} root
 * @param {number | null} label - Null when the time is up.
 */
function choose(root, label) {
  if (isWaiting(root)) {
    begin(root);
    return;
  }
  if (!isOpen(root) || (label ?? 0) >= root.data.questions[root.at].choices.length) return;
  root.picks.push(label);
  if (label === null) root.shownAt = performance.now();
  root.trigger("picks", { round: root.data.revision, labels: [...root.picks] });
  if (root.data.handIn) putIntoOutbox({ ...root.data.handIn, content: [...root.picks] });
  mark(root);
  find(root, ".next").focus({ preventScroll: true });
  bringIntoView(root);
}

/**
 * Go on: from "Start", from a revealed question or from the result.
 *
 * @param {Root} root
 */
function next(root) {
  if (isTimed(root)) {
    if (!root.begun) begin(root);
    return;
  }
  // A double click on "See the result" does not begin the next round.
  const soon = performance.now() - root.shownAt <= DOUBLE_CLICK_MS;
  if (isOver(root)) {
    if (!soon) root.trigger("again", root.data.revision);
    return;
  }
  if (soon && isMissed(root, 0, root.at)) return; // the key was meant for a choice
  show(root, root.at + 1);
  // Not the first choice itself: who presses Enter twice has not chosen.
  find(root, isOver(root) ? ".next" : ".choices").focus({ preventScroll: true });
  bringIntoView(root);
}

/**
 * Move the focus among the choices as they are laid out.
 *
 * @param {Root} root
 * @param {string} key
 */
function moveFocus(root, key) {
  const choices = findAll(root, ".choice");
  const tree = root.getRootNode();
  const focused = tree instanceof ShadowRoot ? tree.activeElement : document.activeElement;
  const from = choices.findIndex((choice) => choice === focused);
  const columns = choices.filter((one) => one.offsetTop === choices[0].offsetTop).length;
  const [right, up] = ARROWS[key];
  choices[from < 0 ? 0 : from + right - up * columns]?.focus();
}

/**
 * @param {Root} root
 * @param {KeyboardEvent} event
 */
function onKey(root, event) {
  const [from] = event.composedPath();
  if (hasModifier(event) || event.repeat) {
    // Enter held down does not go through the questions.
    if (event.repeat && event.key === "Enter" && event.composedPath().includes(root)) event.preventDefault();
    return;
  }
  if (from instanceof Element && from.matches("input, textarea, select, [contenteditable=true]")) return;
  if (/^[1-9]$/.test(event.key)) {
    if (isOpen(root)) choose(root, Number(event.key) - 1);
    return;
  }
  if (!isMeantFor(root, event)) return;
  if (event.key in ARROWS && !isRevealed(root)) {
    if (isWaiting(root)) begin(root);
    else moveFocus(root, event.key);
    event.preventDefault();
  } else if (event.key === "Enter" && from === document.body && (!isOpen(root) || isWaiting(root))) {
    next(root);
  }
}

/**
 * On a phone whoever taps a choice has scrolled down to it, past what is said above.
 *
 * @param {Root} root
 */
function bringIntoView(root) {
  find(root, ".asked").scrollIntoView({ block: "nearest" });
}

/** @param {Data | undefined} data */
function playerNames(data) {
  return data?.players.map((player) => player.label).join();
}

/** @param {Root} root */
function listen(root) {
  find(root, ".next").onclick = () => next(root);
  listenToPageKeys(root, (event) => onKey(root, event));
  startClock(root, () => choose(root, null));
}

/** @param {ComponentArguments<Data>} component */
export default function playBoard({ parentElement, data, setTriggerValue }) {
  const root = /** @type {Root} */ (find(parentElement, ".game"));
  const before = /** @type {Data | undefined} */ (root.data);
  Object.assign(root, { data, trigger: setTriggerValue });
  if (!before) listen(root);
  const isNew = before?.revision !== data.revision;
  if (isNew || playerNames(before) !== playerNames(data)) buildScores(root, (k) => show(root, k));
  if (!isNew) {
    mark(root);
    return;
  }
  Object.assign(root, { picks: [...data.picks], begun: false, asked: undefined });
  root.dataset.revision = data.revision;
  show(root, root.picks.length);
}
