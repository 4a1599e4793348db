// Charts of one wave in Plotly, in nodes that stay. A click or a tap places a point in all of them,
// on a point it takes it away; the points go to the server, which answers with new curves.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const NEAR_PX = 14; // a click so close to a point means that point
const STILL_PX = 6; // a pointer that moved farther has dragged, not clicked
const TWICE_MS = 400; // a double click places one point
const NUDGE = 0.25; // of an axis, a press of an arrow key
const CROSS_COLOUR = "#B0126F";
const CONFIG = {
  displaylogo: false,
  doubleClick: false,
  modeBarButtons: [["toImage"]],
  toImageButtonOptions: { format: "svg", scale: 1 },
};

function build(root) {
  const { panels } = root.data;
  root.panels = panels.map(({ name, title, colour }) => {
    const box = element("section", "panel");
    box.dataset.name = name;
    const head = element("header");
    const dot = element("i", "dot");
    dot.style.setProperty("--method", colour);
    const note = element("span", "note");
    head.append(dot, element("b", "", title), note);
    const plot = element("div", "plot");
    plot.tabIndex = 0;
    plot.setAttribute("role", "application");
    plot.setAttribute("aria-label",
      `${title}: arrow keys move a cross, Enter places a point there, Delete takes the nearest away`);
    box.append(head, plot);
    return { box, plot, note };
  });
  const holder = root.querySelector(".panels");
  holder.style.setProperty("--panels", panels.length);
  holder.replaceChildren(...root.panels.map(({ box }) => box));
}

function themed(box, { layout }) {
  const style = getComputedStyle(box);
  return {
    ...layout,
    width: box.clientWidth,
    font: { ...layout.font, color: style.color, family: style.fontFamily },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "rgba(120,120,120,0.7)", activecolor: style.color },
    dragmode: false,
  };
}

function moved(trace, points) {
  if (trace.meta !== "points") return trace;
  return { ...trace, x: points.map(([x]) => x), y: points.map(([, y]) => y) };
}

async function draw(root) {
  const { data, points, cross } = root;
  for (const [i, { box, plot, note }] of root.panels.entries()) {
    const { figure } = data.panels[i];
    note.textContent = data.panels[i].note;
    const traces = figure.data.map((trace) => moved(trace, points));
    if (cross) {
      traces.push({ x: [cross[0]], y: [cross[1]], mode: "markers", hoverinfo: "skip", showlegend: false,
        marker: { symbol: "cross-thin", size: 22, line: { width: 3, color: CROSS_COLOUR } } });
    }
    await window.Plotly.react(plot, traces, themed(box, figure), CONFIG);
    if (!plot.listening) listen(root, plot);
  }
}

function listen(root, plot) {
  plot.listening = true;
  plot.addEventListener("keydown", (event) => steer(root, plot, event));
  plot.addEventListener("pointerdown", (down) => {
    if (down.button || down.target.closest?.(".modebar, .legend")) return;
    // Plotly covers the page while a pointer is down: its end is heard by the window alone.
    const ends = new AbortController();
    const options = { capture: true, signal: ends.signal };
    addEventListener("pointercancel", () => ends.abort(), options); // the page was scrolled
    addEventListener("pointerup", (event) => {
      ends.abort();
      const far = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY);
      if (far <= STILL_PX) press(root, plot, event);
    }, options);
  }, true);
}

function press(root, plot, event) {
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left - xaxis._offset, event.clientY - box.top - yaxis._offset];
  if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) return;
  const again = root.pressed && performance.now() - root.pressed.at < TWICE_MS
    && Math.hypot(x - root.pressed.x, y - root.pressed.y) < NEAR_PX;
  root.pressed = { x, y, at: performance.now() };
  if (!again) put(root, plot, xaxis.p2d(x), yaxis.p2d(y));
}

// The index of the point nearest to a place and how many pixels away it is.
function nearest(root, plot, x, y) {
  const { xaxis, yaxis } = plot._fullLayout;
  const away = root.points.map(([a, b]) => Math.hypot(xaxis.d2p(a) - xaxis.d2p(x), yaxis.d2p(b) - yaxis.d2p(y)));
  const index = away.indexOf(Math.min(...away));
  return { index, away: index < 0 ? Infinity : away[index] };
}

function put(root, plot, x, y) {
  const { index, away } = nearest(root, plot, x, y);
  if (away <= NEAR_PX) take(root, index);
  else {
    const [low, high] = root.data.range;
    const placed = [Math.min(Math.max(x, low), high), y].map((value) => Number(value.toFixed(3)));
    change(root, [...root.points, placed].slice(-root.data.most), `Point at ${placed.join(", ")}`);
  }
}

function take(root, index) {
  const [x, y] = root.points[index];
  change(root, root.points.filter((_, i) => i !== index), `Point at ${x}, ${y} taken away`);
}

function change(root, points, words) {
  root.points = points;
  root.querySelector(".said").textContent = `${words}; ${points.length} points.`;
  redraw(root);
  root.send("points", { revision: root.data.revision, points });
}

function steer(root, plot, event) {
  const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
  const [x, y] = root.cross ?? [0, 0];
  if (right || up) {
    root.cross = [x + right * NUDGE, y + up * NUDGE];
    root.querySelector(".said").textContent = `${root.cross[0]}, ${root.cross[1]}`;
    redraw(root);
  } else if (event.key === "Enter") put(root, plot, x, y);
  else if (["Delete", "Backspace"].includes(event.key)) {
    if (root.points.length) take(root, nearest(root, plot, x, y).index);
  } else return;
  event.preventDefault();
}

export default function wave({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".maml-wave");
  const before = root.data;
  root.data = data;
  root.send = setTriggerValue;
  if (!before) build(root);
  // Clicks may be on their way to the server: its points count when something else changed them.
  if (before?.revision !== data.revision) root.points = data.points;
  root.width ??= new ResizeObserver(() => redraw(root));
  root.width.observe(root);
  root.dataset.revision = data.revision;
  redraw(root);
}
