// A round of questions: choosing, revealing and going on ask nothing of the server. The pictures
// came with the page; the machines' answers follow while the person looks at the first question.
// Each choice is sent, so that the score outlives this page. In a timed round a choice can be null:
// nothing was chosen in time. The clock belongs to this page alone; it starts with the person's
// first key or click and goes only while an unanswered question is to be seen.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const MANY = 6; // choices from which on they are drawn small
const PAUSE_MS = 400; // a double click on "See the result" does not begin the next round
const TICK_MS = 100; // of the clock
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

function picture(source, words) {
  const made = element("img");
  made.src = source;
  made.alt = words;
  made.draggable = false;
  return made;
}

function markOf(player) {
  const mark = element("i", `mark ${player.marker}`);
  mark.style.setProperty("--player", player.colour);
  mark.title = player.label;
  return mark;
}

function tile(source, words, name, onclick) {
  const made = element("button", "choice");
  made.type = "button";
  const foot = element("span", "foot");
  foot.append(element("b", "", name));
  made.append(picture(source, words), foot);
  made.onclick = onclick;
  return made;
}

function build(root) {
  const { data } = root;
  const numbers = data.questions.map((_, k) => {
    const head = element("th");
    const button = element("button", "", k + 1);
    button.type = "button";
    button.title = `Question ${k + 1}`;
    button.onclick = () => show(root, k);
    head.append(button);
    return head;
  });
  root.querySelector(".scores thead tr").replaceChildren(element("th"), ...numbers, element("th"));
  const rows = data.players.map((player) => {
    const row = element("tr");
    row.style.setProperty("--player", player.colour);
    const name = element("th");
    name.scope = "row";
    name.append(markOf(player), player.label);
    row.append(name, ...data.questions.map(() => element("td", "cell")), element("td", "sum"));
    return row;
  });
  root.querySelector(".scores tbody").replaceChildren(...rows);
}

function names(data) {
  return data?.players.map((player) => player.label).join();
}

// What a player said to a question that the person has answered; null: not known yet.
function answer(root, p, k) {
  if (k >= root.picks.length) return null;
  return (p === 0 ? root.picks : root.data.players[p].answers)?.[k] ?? null;
}

function isMissed(root, p, k) {
  return p === 0 && root.picks[k] === null;
}

function isRight(root, p, k) {
  return answer(root, p, k) === root.data.questions[k].truth;
}

function countRight(root, p) {
  return root.data.questions.filter((_, k) => isRight(root, p, k)).length;
}

function show(root, at) {
  const { data } = root;
  if (at === root.picks.length && at !== root.asked) {
    root.asked = at;
    root.left = data.seconds * 1000; // what is left of it waits while one looks back
  }
  root.at = at;
  const ended = at === data.questions.length;
  const choices = root.querySelector(".choices");
  if (ended) {
    choices.replaceChildren(
      ...data.questions.map((one, k) =>
        tile(one.query, `Question ${k + 1}: ${one.caption}`, k + 1, () => show(root, k)),
      ),
    );
  } else {
    const one = data.questions[at];
    root.querySelector(".query").src = one.query;
    choices.replaceChildren(
      ...one.choices.map((source, label) =>
        tile(source, `Example ${label + 1}`, label + 1, () => choose(root, label)),
      ),
    );
  }
  choices.classList.toggle("many", choices.childElementCount >= MANY);
  root.dataset.question = at + 1;
  root.shownAt = performance.now();
  mark(root);
}

// An unanswered question is shown in a round that is timed.
function isTimed(root) {
  return root.data.seconds !== null && root.at === root.picks.length && root.at < root.data.questions.length;
}

function begin(root) {
  root.begun = true;
  mark(root);
  root.querySelector(".choices").focus({ preventScroll: true });
}

function tick(root) {
  const now = performance.now();
  const passed = now - root.tickedAt;
  root.tickedAt = now;
  if (!root.begun || !isTimed(root)) return;
  root.left -= passed;
  if (root.left <= 0) choose(root, null);
  else drawClock(root);
}

function drawClock(root) {
  const { seconds } = root.data;
  root.querySelector(".clock").hidden = seconds === null;
  if (seconds === null) return;
  const whole = Math.ceil(root.left / 1000);
  root.querySelector(".seconds").textContent = `${whole} s`;
  const share = (CALM.matches ? whole : root.left / 1000) / seconds;
  root.querySelector(".clock i").style.transform = `scaleX(${Math.max(0, share)})`;
}

// Draw what is known by now, in place.
function mark(root) {
  const { data, at } = root;
  const ended = at === data.questions.length;
  const revealed = !ended && at < root.picks.length;
  root.classList.toggle("ended", ended);
  root.classList.toggle("revealed", revealed);
  root.classList.toggle("waiting", isTimed(root) && !root.begun);
  root.dataset.answered = root.picks.length;
  root.querySelectorAll(".choice").forEach((choice, i) => {
    const here = data.players.filter((_, p) =>
      ended ? isRight(root, p, i) : revealed && answer(root, p, at) === i,
    );
    choice.disabled = revealed;
    choice.classList.toggle("true", revealed && i === data.questions[at].truth);
    choice.classList.toggle("taken", here.length > 0);
    choice.querySelectorAll(".mark").forEach((old) => old.remove());
    choice.querySelector(".foot").append(...here.map(markOf));
  });
  say(root, ended, revealed);
  markScores(root);
  drawClock(root);
  root.querySelector(".misled").replaceChildren(...(revealed ? misled(root) : []));
}

function say(root, ended, revealed) {
  const { data, at } = root;
  const next = root.querySelector(".next");
  const total = data.questions.length;
  let words = "Which of these is the same character?";
  const keys = matchMedia("(pointer: coarse)").matches ? "" : ": click, or keys 1 to 9, or arrows and Enter";
  let name = `Question ${at + 1} of ${total}${keys}`;
  const waiting = isTimed(root) && !root.begun;
  if (waiting) {
    words = `${data.seconds} seconds a question. Ready?`;
  } else if (ended) {
    const missed = root.picks.filter((pick) => pick === null).length;
    const counts = data.players.map((one, p) => `${one.label} ${countRight(root, p)}`);
    if (missed) counts[0] += ` (no answer to ${missed})`;
    words = `${counts.join(", ")} of ${total}`;
    name = "Under each question: who was right. Choose one to look at it again.";
  } else if (revealed) {
    const number = data.questions[at].truth + 1;
    const verdict = isMissed(root, 0, at) ? "No answer in time:" : isRight(root, 0, at) ? "Right," : "No,";
    words = `${verdict} it is ${number}.`;
    name = data.questions[at].caption;
  }
  // Written only when it is new: it is read aloud each time.
  const status = root.querySelector(".words");
  if (status.textContent !== words) status.textContent = words;
  root.querySelector(".name").textContent = name;
  next.textContent = waiting ? "Start" : ended ? "Next ten questions" : at + 1 < total ? "Next" : "See the result";
  next.classList.toggle("idle", !ended && !revealed && !waiting);
}

function markScores(root) {
  const { data, at } = root;
  root.querySelectorAll(".scores thead button").forEach((button, k) => {
    button.disabled = k > root.picks.length;
    button.classList.toggle("now", k === at);
  });
  root.querySelectorAll(".scores tbody tr").forEach((row, p) => {
    row.querySelectorAll(".cell").forEach((cell, k) => {
      const answered = k < root.picks.length;
      const missed = isMissed(root, p, k);
      const known = answer(root, p, k) !== null;
      const right = known && isRight(root, p, k);
      cell.className = `cell${known ? (right ? " right" : " wrong") : missed ? " missed" : ""}`;
      cell.textContent = known ? (right ? "✓" : "✗") : missed ? "–" : answered ? "…" : "";
      cell.title = missed ? "no answer" : answered && !known ? `${data.players[p].label} is still adapting` : "";
    });
    row.querySelector(".sum").textContent = countRight(root, p);
  });
}

// The pictures that misled those who were wrong, beside the right one.
function misled(root) {
  const { data, at } = root;
  const one = data.questions[at];
  const byAnswer = new Map();
  data.players.forEach((player, p) => {
    const label = answer(root, p, at);
    if (label === null || label === one.truth) return;
    byAnswer.set(label, [...(byAnswer.get(label) ?? []), player]);
  });
  return [...byAnswer].map(([label, players]) => {
    const box = element("div");
    const words = element("p");
    players.forEach((player, i) => words.append(i ? " and " : "", markOf(player), player.label));
    words.append(` took it for ${label + 1}`);
    const pictures = element("div", "pictures");
    for (const [source, caption] of [
      [one.choices[label], `${label + 1}: ${one.names[label]}`],
      [one.query, "the question"],
      [one.choices[one.truth], `${one.truth + 1}: ${one.names[one.truth]}`],
    ]) {
      const figure = element("figure");
      figure.append(picture(source, caption), element("figcaption", "", caption));
      pictures.append(figure);
    }
    box.append(words, pictures);
    return box;
  });
}

// `label` is null when the time is up.
function choose(root, label) {
  const { data } = root;
  if (isTimed(root) && !root.begun) {
    begin(root);
    return;
  }
  if (root.at !== root.picks.length || !(label < data.questions[root.at]?.choices.length)) return;
  root.picks.push(label);
  if (label === null) root.shownAt = performance.now();
  root.send("picks", { round: data.revision, labels: [...root.picks] });
  mark(root);
  root.querySelector(".next").focus({ preventScroll: true });
}

function next(root) {
  if (isTimed(root)) {
    if (!root.begun) begin(root);
    return;
  }
  const soon = performance.now() - root.shownAt <= PAUSE_MS;
  if (root.at === root.data.questions.length) {
    if (!soon) root.trigger("again", root.data.revision);
    return;
  }
  if (soon && isMissed(root, 0, root.at)) return; // the key was meant for a choice
  show(root, root.at + 1);
  // Not the first choice itself: who presses Enter twice has not chosen.
  const target = root.at === root.data.questions.length ? ".next" : ".choices";
  root.querySelector(target).focus({ preventScroll: true });
}

function move(root, key) {
  const choices = [...root.querySelectorAll(".choice")];
  const here = choices.indexOf(root.getRootNode().activeElement);
  const columns = choices.filter((one) => one.offsetTop === choices[0].offsetTop).length;
  const step = ARROWS[key] * (key === "ArrowUp" || key === "ArrowDown" ? columns : 1);
  const there = here < 0 ? 0 : here + step;
  choices[there]?.focus();
}

function onKey(root, event) {
  const path = event.composedPath();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
    if (event.repeat && event.key === "Enter" && path.includes(root)) event.preventDefault();
    return;
  }
  if (path[0].matches?.("input, textarea, select, [contenteditable=true]")) return;
  const waits = root.at === root.picks.length && root.at < root.data.questions.length;
  const begins = isTimed(root) && !root.begun;
  if (/^[1-9]$/.test(event.key)) {
    if (waits) choose(root, Number(event.key) - 1);
    return;
  }
  if (!path.includes(root) && path[0] !== document.body) return; // another control's keys
  if (event.key in ARROWS && !root.classList.contains("revealed")) {
    if (begins) begin(root);
    else move(root, event.key);
    event.preventDefault();
  } else if (event.key === "Enter" && path[0] === document.body && (!waits || begins)) {
    next(root);
  }
}

function listen(root) {
  root.querySelector(".next").onclick = () => next(root);
  const listener = (event) => {
    if (root.isConnected) onKey(root, event);
    else document.removeEventListener("keydown", listener);
  };
  document.addEventListener("keydown", listener);
  root.tickedAt = performance.now();
  const clock = setInterval(() => {
    if (root.isConnected) tick(root);
    else clearInterval(clock);
  }, TICK_MS);
}

export default function game({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".game");
  const isFirst = !root.data;
  const isNew = root.data?.revision !== data.revision;
  const others = names(root.data) !== names(data);
  Object.assign(root, { data, send: setStateValue, trigger: setTriggerValue });
  if (isFirst) listen(root);
  if (!isNew) {
    if (others) build(root);
    mark(root);
    return;
  }
  root.picks = [...data.picks];
  root.begun = false;
  root.asked = undefined;
  root.dataset.revision = data.revision;
  build(root);
  show(root, root.picks.length);
}
