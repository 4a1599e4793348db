// Drawing with Plotly takes its time: one drawing after the other, and none of what is outdated.

const WAIT_MS = 100;

/** @typedef {HTMLElement & { stale?: boolean, drawing?: boolean }} Redrawn */

/**
 * Run a component's `draw`; what is asked for meanwhile is drawn after it, once.
 *
 * @param {Redrawn} root
 * @param {() => Promise<void>} draw
 */
export async function redrawWith(root, draw) {
  root.stale = true;
  if (root.drawing) return;
  root.drawing = true;
  try {
    while (root.stale && root.isConnected) {
      root.stale = false;
      if (window.Plotly) await draw();
      else {
        await new Promise((done) => setTimeout(done, WAIT_MS));
        root.stale = true;
      }
    }
  } finally {
    root.drawing = false;
  }
}
