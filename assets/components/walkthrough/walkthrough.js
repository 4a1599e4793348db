// Steps through one meta-update: the algorithm's line, the code that does it, and its numbers.
// All steps came with the page, so nothing is asked of the server. The Plotly chart of the page
// that is named in data.chart carries one frame a step.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

const MANY = 6; // pictures from which on they are drawn small
const KEYS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

function pictures(all) {
  const box = element("div", all.length >= MANY ? "pictures many" : "pictures");
  box.append(
    ...all.map(({ source, words }) => {
      const made = element("img");
      made.src = source;
      made.alt = words;
      made.title = words;
      return made;
    }),
  );
  return box;
}

function bars(all) {
  const box = element("div", "bars");
  for (const { label, share, text } of all) {
    const bar = element("b");
    bar.style.width = `${100 * share}%`;
    const layer = element("div", "layer");
    layer.append(element("span", "", label), bar, element("span", "", text));
    box.append(layer);
  }
  return box;
}

function cell(content) {
  const made = element("td");
  if (content?.pictures) made.append(pictures(content.pictures));
  else if (content?.bars) made.append(bars(content.bars));
  else made.textContent = content ?? "";
  return made;
}

function build(root, data) {
  root.querySelector(".lines").replaceChildren(
    ...data.lines.map(({ number, depth, text }) => {
      const line = element("li");
      line.style.setProperty("--depth", depth);
      const words = element("span");
      // What split() finds between the texts are the characters after a _.
      words.append(...text.split(/_(.)/u).map((part, i) => (i % 2 ? element("sub", "", part) : part)));
      line.append(element("i", "", number), words);
      return line;
    }),
  );
  const table = root.querySelector(".numbers");
  table.style.setProperty("--columns", data.columns.length);
  const head = element("tr");
  head.append(element("th"), ...data.columns.map((name) => element("th", "", name)));
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(
    ...data.rows.map(({ label, cells }) => {
      const row = element("tr");
      const name = element("th", "", label);
      name.scope = "row";
      row.append(name, ...cells.map(cell));
      return row;
    }),
  );
}

function showCode(root, { code, marked }) {
  const { file, first, lines } = root.data.codes[code];
  root.querySelector(".file").textContent = `Our code: ${file}, from line ${first}`;
  const box = root.querySelector(".code");
  box.replaceChildren(
    ...lines.map((text, i) => element("div", marked.includes(i) ? "now" : "", text || " ")),
  );
  box.scrollTop = 0;
  const top = box.querySelector(".now")?.offsetTop ?? 0;
  const room = box.clientHeight / 3;
  if (box.scrollHeight > box.clientHeight) box.scrollTop = top - box.offsetTop - room;
}

function show(root, step) {
  const { data } = root;
  const last = data.steps.length - 1;
  const { title, note, lines } = data.steps[step];
  root.step = step;
  root.querySelector(".title").textContent = title;
  root.querySelector(".note").textContent = note;
  root.querySelectorAll(".lines li").forEach((line, i) => {
    line.classList.toggle("now", lines.includes(data.lines[i].number));
  });
  showCode(root, data.steps[step]);
  const all = root.querySelector(".all").checked;
  root.querySelectorAll(".numbers tbody tr").forEach((row, i) => {
    const since = data.rows[i].step;
    row.hidden = all ? since > step : since !== step;
    row.classList.toggle("now", all && since === step);
  });
  root.querySelector(".where").textContent = `Step ${step + 1} of ${last + 1}`;
  for (const name of [".rewind", ".back"]) root.querySelector(name).disabled = step === 0;
  for (const name of [".forward", ".last"]) root.querySelector(name).disabled = step === last;
  root.dataset.step = step;
  moveChart(root);
}

function moveChart(root) {
  const { chart } = root.data;
  moveCharts(root, chart ? [chart] : [], root.step);
}

function go(root, by) {
  show(root, Math.min(Math.max(root.step + by, 0), root.data.steps.length - 1));
}

function onKey(root, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  const [from] = event.composedPath();
  // Another control's arrows are its own, and so are those that scroll the code sideways.
  if (from !== document.body && !(event.composedPath().includes(root) && !from.matches(".code"))) return;
  go(root, KEYS[event.key]);
  event.preventDefault();
}

function listen(root) {
  root.querySelector(".rewind").onclick = () => go(root, -Infinity);
  root.querySelector(".back").onclick = () => go(root, -1);
  root.querySelector(".forward").onclick = () => go(root, 1);
  root.querySelector(".last").onclick = () => go(root, Infinity);
  root.querySelector(".all").onchange = () => show(root, root.step);
  const listener = (event) => {
    if (root.isConnected) onKey(root, event);
    else document.removeEventListener("keydown", listener);
  };
  document.addEventListener("keydown", listener);
}

export default function algorithm({ parentElement, data }) {
  const root = parentElement.querySelector(".algorithm");
  const isFirst = !root.data;
  const isNew = root.data?.revision !== data.revision;
  root.data = data;
  if (isFirst) listen(root);
  if (!isNew) {
    moveChart(root);
    return;
  }
  root.dataset.revision = data.revision;
  build(root, data);
  // Another batch or step size: the same line of the algorithm, with other numbers.
  show(root, root.step ?? 0);
}
