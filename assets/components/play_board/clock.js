// The clock of a timed round. It belongs to this page alone, starts with the person's first key or
// click and goes only while an unanswered question is to be seen.

import { find } from "../shared/elements.js";
import { isTimed } from "./round.js";

/** @import { Root } from "./round.js" */

const TICK_MS = 100;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @param {Root} root
 * @param {() => void} onTimeUp
 */
export function startClock(root, onTimeUp) {
  root.tickedAt = performance.now();
  const clock = setInterval(() => {
    if (root.isConnected) tick(root, onTimeUp);
    else clearInterval(clock);
  }, TICK_MS);
}

/**
 * @param {Root} root
 * @param {() => void} onTimeUp
 */
function tick(root, onTimeUp) {
  const now = performance.now();
  const passed = now - root.tickedAt;
  root.tickedAt = now;
  if (!root.begun || !isTimed(root)) return;
  root.left -= passed;
  if (root.left <= 0) onTimeUp();
  else drawClock(root);
}

/** @param {Root} root */
export function drawClock(root) {
  const { seconds } = root.data;
  find(root, ".clock").hidden = seconds === null;
  if (seconds === null) return;
  const whole = Math.ceil(root.left / 1000);
  find(root, ".seconds").textContent = `${whole} s`;
  const share = (CALM.matches ? whole : root.left / 1000) / seconds;
  find(root, ".clock i").style.transform = `scaleX(${Math.max(0, share)})`;
}
