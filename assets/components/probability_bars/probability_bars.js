// How likely each method holds each class, as bars that move from inner step to inner step. All
// steps came with the answer, so nothing is asked of the server while it plays.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

function barOf(method) {
  const track = element("div", "track");
  track.append(element("div", "bar"));
  track.style.setProperty("--method", method.colour);
  track.classList.toggle("dashed", method.dashed);
  return track;
}

function build(root, data) {
  root.lines = data.letters.map(() => []);
  const classes = data.letters.map((letter, label) => {
    const box = element("div", "class");
    const picture = element("img");
    picture.alt = `Example of class ${letter}`;
    const lines = element("div");
    data.methods.forEach((method) => {
      const line = element("div", "line");
      line.append(barOf(method), element("span", "percent"));
      line.title = `${method.label}: ${letter}`;
      lines.append(line);
      root.lines[label].push(line);
    });
    box.append(element("b", "", letter), picture, lines);
    return box;
  });
  root.querySelector(".classes").replaceChildren(...classes);
  const methods = data.methods.map((method) => {
    const name = element("span", "method");
    name.append(barOf(method), element("span", "", method.words));
    return name;
  });
  root.querySelector(".methods").replaceChildren(...methods);
}

function show(root, step) {
  const { data } = root;
  root.step = step;
  data.methods.forEach((method, m) => {
    const shares = method.probabilities?.[step];
    const top = shares ? Math.max(...shares) : null;
    root.lines.forEach((lines, label) => {
      const share = shares ? shares[label] : 0;
      const line = lines[m];
      line.querySelector(".bar").style.width = `${100 * share}%`;
      line.querySelector(".percent").textContent = shares ? `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %` : "";
      line.classList.toggle("top", step > 0 && top !== null && share === top);
    });
  });
  const slider = root.querySelector("input");
  slider.max = data.steps;
  slider.value = step;
  slider.setAttribute("aria-valuetext", `inner step ${step} of ${data.steps}`);
  root.querySelector(".where").textContent = `Inner step ${step} of ${data.steps}`;
  root.dataset.step = step;
}

export default function bars({ parentElement, data }) {
  const root = parentElement.querySelector(".bars");
  const atEnd = root.data === undefined || root.step === root.data.steps;
  const shape = JSON.stringify([data.letters, data.methods.map((one) => [one.label, one.words])]);
  root.data = data;
  if (root.shape !== shape) build(root, data);
  root.shape = shape;
  root.querySelectorAll(".class img").forEach((picture, label) => {
    picture.src = data.pictures[label];
  });
  const verdict = root.querySelector(".verdict");
  verdict.textContent = data.verdict;
  verdict.classList.toggle("none", data.foreign);
  root.classList.toggle("foreign", data.foreign);
  listenToPlay(root);
  if (!root.timer) show(root, atEnd ? data.steps : Math.min(root.step, data.steps));
  else show(root, Math.min(root.step, data.steps));
  root.dataset.asked = data.asked;
}
