// Maps of the loss in Plotly, in nodes that stay: what a person turned or zoomed is kept when the
// data change. The paths' points are revealed here, step by step; clicks, and the part of the
// plane that is looked at, go to the server.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const ZOOM = 2;
const NUDGE = 0.04; // of the window, a press of an arrow key
const MAX_SIDE = 480; // pixels
const TWICE_MS = 400; // a double click starts one descent
const NEAR_PX = 3; // a pointer that moved farther has dragged, not clicked
const CONFIG = {
  displaylogo: false,
  doubleClick: false,
  toImageButtonOptions: { format: "svg", scale: 1 },
};
const BUTTONS = { contour: [["toImage"]], surface: [["toImage", "resetCameraDefault3d"]] };

function button(label, sign, press) {
  const made = element("button", "", sign);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.onclick = press;
  return made;
}

function build(root, data) {
  const holder = root.querySelector(".panels");
  holder.style.setProperty("--panels", data.panels.length);
  root.panels = data.panels.map(({ name, title, colour }) => {
    const box = element("section", "panel");
    box.dataset.name = name;
    const head = element("header");
    const dot = element("i", "dot");
    dot.style.setProperty("--method", colour);
    head.append(
      dot,
      element("b", "", title),
      button("Zoom out", "−", () => zoom(root, ZOOM)),
      button("Zoom in", "+", () => zoom(root, 1 / ZOOM)),
      button("Show all", "⤢", () => look(root, null)),
    );
    const plots = { contour: element("div", "plot contour"), surface: element("div", "plot surface hidden") };
    plots.contour.tabIndex = 0;
    plots.contour.setAttribute("role", "application");
    plots.contour.setAttribute("aria-label", `${title}: arrow keys move a cross, Enter starts a descent there`);
    box.append(head, plots.contour, plots.surface);
    return { name, box, plots };
  });
  holder.replaceChildren(...root.panels.map(({ box }) => box));
}

// A map is square: what its margins leave of the panel's width is its height, too.
function themed(panel, figure, view) {
  const style = getComputedStyle(panel.box);
  const { margin } = figure.layout;
  const across = margin.l + margin.r;
  const side = Math.min(panel.box.clientWidth - across, MAX_SIDE);
  return {
    ...figure.layout,
    width: side + across,
    height: side + margin.t + margin.b,
    font: { ...figure.layout.font, color: style.color, family: style.fontFamily },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "rgba(120,120,120,0.7)", activecolor: style.color },
    dragmode: view === "surface" ? "turntable" : matchMedia("(pointer: coarse)").matches ? false : "zoom",
  };
}

function cut(trace, step) {
  if (trace.meta !== "path") return trace;
  const shown = { ...trace };
  for (const key of ["x", "y", "z", "text", "customdata"]) {
    if (Array.isArray(trace[key])) shown[key] = trace[key].slice(0, step + 1);
  }
  return shown;
}

async function draw(root) {
  const { data, step } = root;
  for (const [i, panel] of root.panels.entries()) {
    for (const [view, plot] of Object.entries(panel.plots)) {
      plot.classList.toggle("hidden", view !== data.view);
      if (view !== data.view) continue;
      const { figure } = data.panels[i];
      const traces = figure.data.map((trace) => cut(trace, step));
      if (panel.cross) traces.push(cross(panel));
      await window.Plotly.react(plot, traces, themed(panel, figure, view), { ...CONFIG, modeBarButtons: BUTTONS[view] });
      if (!plot.listening) listen(root, panel, plot, view);
    }
  }
  root.dataset.drawn = data.revision;
}

function cross({ cross: [x, y] }) {
  return { x: [x], y: [y], mode: "markers", hoverinfo: "skip", showlegend: false,
    marker: { symbol: "cross-thin", size: 22, line: { width: 3, color: "#B0126F" } } };
}

function listen(root, panel, plot, view) {
  plot.listening = true;
  // A surface tells where the pointer is on it only by its hovering.
  plot.on("plotly_hover", ({ points: [point] }) => { panel.hovered = [point.x, point.y]; });
  plot.on("plotly_unhover", () => { panel.hovered = null; });
  plot.addEventListener("pointerdown", (down) => {
    if (down.button || down.target.closest?.(".modebar, .colorbar")) return;
    // Plotly covers the page while a pointer is down: its end is heard by the window alone.
    const up = (event) => {
      removeEventListener("pointerup", up, true);
      const place = view === "surface" ? panel.hovered : under(plot, event);
      const moved = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY);
      if (place && moved <= NEAR_PX) start(root, panel, ...place);
    };
    addEventListener("pointerup", up, true);
  }, true);
  if (view === "surface") return;
  plot.addEventListener("keydown", (event) => steer(root, panel, event));
  plot.on("plotly_relayout", (change) => {
    const [x, y] = ["xaxis", "yaxis"].map((axis) => plot._fullLayout[axis].range);
    if (Object.keys(change).some((key) => key.includes(".range"))) {
      look(root, {
        x: (x[0] + x[1]) / 2,
        y: (y[0] + y[1]) / 2,
        half: Math.max(Math.abs(x[1] - x[0]), Math.abs(y[1] - y[0])) / 2,
      });
    }
  });
}

function under(plot, event) {
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left - xaxis._offset, event.clientY - box.top - yaxis._offset];
  const inside = x >= 0 && y >= 0 && x <= xaxis._length && y <= yaxis._length;
  return inside ? [xaxis.p2d(x), yaxis.p2d(y)] : null;
}

function steer(root, panel, event) {
  const { x, y, half } = root.data.window;
  const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
  if (event.key === "Enter" && panel.cross) start(root, panel, ...panel.cross);
  else if (right || up) {
    const [from, to] = panel.cross ?? [x, y];
    panel.cross = [from + right * NUDGE * half, to + up * NUDGE * half];
    redraw(root);
  } else return;
  event.preventDefault();
}

function start(root, panel, x, y) {
  if (performance.now() - (root.started ?? -TWICE_MS) < TWICE_MS) return;
  root.started = performance.now();
  panel.cross = null;
  root.send("start", { panel: panel.name, x, y });
}

function look(root, seen) {
  root.send("look", seen ?? {});
}

function zoom(root, factor) {
  const { x, y, half } = root.data.window;
  look(root, { x, y, half: half * factor });
}

function show(root, step) {
  root.step = step;
  const slider = root.querySelector("input");
  slider.value = step;
  slider.setAttribute("aria-valuetext", `inner step ${step} of ${root.data.steps}`);
  root.querySelector(".where").textContent = `Inner step ${step} of ${root.data.steps}`;
  root.dataset.step = step;
  redraw(root);
}

export default function landscape({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".maml-maps");
  const before = root.data;
  root.data = data;
  root.send = setTriggerValue;
  const names = (one) => one?.panels.map(({ name, title }) => name + title).join();
  if (names(before) !== names(data)) build(root, data);
  root.width ??= new ResizeObserver(() => redraw(root));
  root.width.observe(root);
  root.querySelector("input").max = data.steps;
  listenToSteps(root);
  const moved = before?.paths !== data.paths;
  if (moved) stop(root);
  // A new path is shown whole; refining a map leaves the step where it is.
  show(root, moved ? data.steps : Math.min(root.step, data.steps));
}
