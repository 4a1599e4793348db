const WAIT_MS = 100;

// One run of the component's own draw(root) at a time; what was asked for meanwhile is drawn
// after it.
async function redraw(root) {
  root.stale = true;
  if (root.drawing) return;
  root.drawing = true;
  try {
    while (root.stale && root.isConnected) {
      root.stale = false;
      if (window.Plotly) await draw(root);
      else {
        await new Promise((done) => setTimeout(done, WAIT_MS));
        root.stale = true;
      }
    }
  } finally {
    root.drawing = false;
  }
}
