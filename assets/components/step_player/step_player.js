// Plays an adaptation through its inner steps: the query pictures here, and the Plotly charts of
// the page named in data.charts, which carry one frame a step. All steps came with the page, so
// nothing is asked of the server while it plays.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

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
  moveCharts(root, data.charts, step);
  if (step === data.steps && !root.finished) {
    root.finished = true;
    if (data.predict) root.send("finished", data.revision);
  }
}

export default function player({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".player");
  const isNew = root.data?.revision !== data.revision;
  root.data = data;
  root.send = setStateValue;
  if (!isNew) {
    moveCharts(root, data.charts, root.step);
    return;
  }
  if (root.timer) stop(root);
  root.finished = false;
  root.dataset.revision = data.revision;
  build(root, data);
  listenToSteps(root);
  show(root, data.predict ? 0 : data.steps);
}
