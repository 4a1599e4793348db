// Playing from step 0 to root.data.steps. The component's own show(root, step) draws a step.
const FRAME_MS = 700;

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
    // New data may have fewer steps: then it stands at the last one already.
    if (root.step < root.data.steps) show(root, root.step + 1);
    if (root.step === root.data.steps) stop(root);
  }, FRAME_MS);
}

function go(root, step) {
  stop(root);
  show(root, Math.min(Math.max(step, 0), root.data.steps));
}

function listenToPlay(root) {
  root.querySelector(".play").onclick = () => play(root);
  root.querySelector("input").oninput = (event) => go(root, Number(event.target.value));
}

function listenToSteps(root) {
  listenToPlay(root);
  root.querySelector(".rewind").onclick = () => go(root, 0);
  root.querySelector(".back").onclick = () => go(root, root.step - 1);
  root.querySelector(".forward").onclick = () => go(root, root.step + 1);
  root.querySelector(".last").onclick = () => go(root, root.data.steps);
}
