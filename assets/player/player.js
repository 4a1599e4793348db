// Plays an adaptation through its inner steps: the query pictures here, and the Plotly charts of
// the page named in data.charts, which carry one frame a step. All steps came with the page, so
// nothing is asked of the server while it plays.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const FRAME_MS = 700;
const CHART_WAIT_MS = 100;
const CHART_TRIES = 100;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function tile(root, data, number) {
  const box = element("div", "tile");
  const picture = element("img");
  picture.src = data.pictures[number];
  picture.alt = data.captions[number];
  picture.title = data.captions[number];
  box.append(picture);
  const answers = element("div", "answers");
  root.chips[number] = data.methods.map((method) => {
    const chip = element("span", "chip");
    chip.style.setProperty("--method", method.colour);
    answers.append(chip);
    return chip;
  });
  box.append(answers);
  return box;
}

function build(root, data) {
  root.chips = [];
  const score = root.querySelector(".score");
  score.replaceChildren();
  root.scores = data.methods.map((method) => {
    const line = element("span", "method");
    line.style.setProperty("--method", method.colour);
    const count = element("b");
    line.append(element("i", "dot"), element("span", "", method.label), count);
    score.append(line);
    return count;
  });
  const perClass = data.pictures.length / data.classes.length;
  const rows = data.classes.map((name, label) => {
    const row = element("div", "row");
    const head = element("div", "head");
    head.append(element("b", "", data.letters[label]), element("span", "", name));
    const tiles = element("div", "tiles");
    tiles.style.setProperty("--columns", perClass);
    for (let i = 0; i < perClass; i += 1) tiles.append(tile(root, data, label * perClass + i));
    row.append(head, tiles);
    return row;
  });
  root.querySelector(".rows").replaceChildren(...rows);
  root.querySelector("input").max = data.steps;
}

function show(root, step) {
  const { data } = root;
  root.step = step;
  const right = data.methods.map(() => 0);
  root.chips.forEach((chips, number) => {
    const truth = data.truth[number];
    chips.forEach((chip, m) => {
      const answer = data.methods[m].predictions[step][number];
      const isRight = answer === truth;
      right[m] += isRight;
      chip.textContent = data.letters[answer];
      chip.className = isRight ? "chip right" : "chip wrong";
      chip.title = `${data.methods[m].label}: ${data.letters[answer]}, ${isRight ? "right" : "wrong"}`;
    });
  });
  root.scores.forEach((count, m) => {
    count.textContent = `${right[m]} / ${data.truth.length}`;
  });
  const slider = root.querySelector("input");
  slider.value = step;
  slider.setAttribute("aria-valuetext", data.names[step]);
  root.querySelector(".where").textContent = data.names[step];
  root.dataset.step = step;
  moveCharts(root, step);
  if (step === data.steps && !root.finished) {
    root.finished = true;
    if (data.predict) root.send("finished", data.revision);
  }
}

function moveCharts(root, step, tries = CHART_TRIES) {
  if (root.step !== step || !root.isConnected) return;
  const charts = root.data.charts.map((key) => document.querySelector(`.st-key-${key} .js-plotly-plot`));
  const ready = window.Plotly && charts.every((chart) => chart?._transitionData?._frameHash?.[step]);
  if (!ready) {
    if (tries) setTimeout(() => moveCharts(root, step, tries - 1), CHART_WAIT_MS);
    return;
  }
  const immediately = {
    mode: "immediate",
    transition: { duration: 0 },
    frame: { duration: 0, redraw: false },
  };
  // A chart that Streamlit replaces meanwhile rejects; the next call finds the new one.
  charts.forEach((chart) => window.Plotly.animate(chart, [String(step)], immediately).catch(() => {}));
}

function stop(root) {
  clearInterval(root.timer);
  root.timer = null;
  const button = root.querySelector(".play");
  button.classList.remove("playing");
  button.setAttribute("aria-label", "Play");
}

function play(root) {
  if (root.timer) return stop(root);
  if (root.step === root.data.steps) show(root, 0);
  const button = root.querySelector(".play");
  button.classList.add("playing");
  button.setAttribute("aria-label", "Pause");
  root.timer = setInterval(() => {
    if (!root.isConnected) return stop(root);
    show(root, root.step + 1);
    if (root.step === root.data.steps) stop(root);
  }, FRAME_MS);
}

function go(root, step) {
  stop(root);
  show(root, Math.min(Math.max(step, 0), root.data.steps));
}

function listen(root) {
  root.querySelector(".rewind").onclick = () => go(root, 0);
  root.querySelector(".back").onclick = () => go(root, root.step - 1);
  root.querySelector(".play").onclick = () => play(root);
  root.querySelector(".forward").onclick = () => go(root, root.step + 1);
  root.querySelector(".last").onclick = () => go(root, root.data.steps);
  root.querySelector("input").oninput = (event) => go(root, Number(event.target.value));
}

export default function player({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".player");
  const isNew = root.data?.revision !== data.revision;
  root.data = data;
  root.send = setStateValue;
  if (!isNew) {
    moveCharts(root, root.step);
    return;
  }
  if (root.timer) stop(root);
  root.finished = false;
  root.dataset.revision = data.revision;
  build(root, data);
  listen(root);
  show(root, data.predict ? 0 : data.steps);
}
