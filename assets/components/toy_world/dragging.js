// θ moved by a pointer or by keys.

import { element } from "../shared/elements.js";
import { ARROWS, hasModifier } from "../shared/keys.js";

/** @import { Panel } from "./plot_panel.js" */
/** @import { Root } from "./toy_world.js" */

export const KEY_STEP = 0.05;
const LONG_STEPS = 10; // with Shift
const DRAG_PX = 4; // a finger that moves farther across drags θ; one that moves along scrolls

/**
 * @typedef {object} Drag
 * @property {number} id - The pointer's.
 * @property {number} x - Where it began.
 * @property {[number, number]} grip - From the handle's middle to the pointer.
 * @property {boolean} moving
 */

/**
 * @typedef {object} Moves
 * @property {(theta: number[]) => void} move
 * @property {() => void} release - Called when θ is let go.
 */

/**
 * The handle by which θ is taken; the first takes the keys as well.
 *
 * @param {Root} root
 * @param {boolean} focusable
 * @param {Moves} moves
 */
export function handleOf(root, focusable, moves) {
  const handle = element("div", focusable ? "theta" : "theta small");
  if (!focusable) return handle;
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "θ: move it with the arrow keys, with Shift in longer steps");
  handle.setAttribute("aria-valuemin", String(-root.data.reach));
  handle.setAttribute("aria-valuemax", String(root.data.reach));
  handle.onkeydown = (event) => onKey(root, event, moves);
  handle.onkeyup = (event) => {
    if (event.key in ARROWS) moves.release();
  };
  return handle;
}

/**
 * @param {Root} root
 * @param {KeyboardEvent} event
 * @param {Moves} moves
 */
function onKey(root, event, { move }) {
  if (!(event.key in ARROWS) || hasModifier(event)) return;
  event.preventDefault();
  const size = event.shiftKey ? LONG_STEPS * KEY_STEP : KEY_STEP;
  const [right, up] = ARROWS[event.key];
  // In one parameter up is more, as on any slider.
  const by = root.theta.length === 1 ? [right + up] : [right, up];
  move(root.theta.map((one, i) => one + size * by[i]));
}

/**
 * The θ under a pointer.
 *
 * @param {Root} root
 * @param {Panel} panel
 * @param {PointerEvent} event
 */
function thetaUnder(root, { plot, frame }, event) {
  if (!frame) return root.theta;
  const box = plot.getBoundingClientRect();
  const [dx, dy] = root.drag?.grip ?? [0, 0];
  const at = [frame.x.back(event.clientX - box.left - dx)];
  if (root.theta.length === 2) at.push(frame.y.back(event.clientY - box.top - dy));
  return at;
}

/**
 * Let θ be dragged, or put where somebody clicks or taps.
 *
 * @param {Root} root
 * @param {Panel} panel
 * @param {Moves} moves
 */
export function listenToPointer(root, panel, { move, release }) {
  const { plot } = panel;
  plot.onpointerdown = (event) => {
    if (event.button || root.drag) return;
    const grip = gripOf(panel, event);
    const isTouch = event.pointerType === "touch";
    root.drag = { id: event.pointerId, x: event.clientX, grip: grip ?? [0, 0], moving: false };
    plot.setPointerCapture(event.pointerId);
    if (!isTouch) event.preventDefault(); // no text is selected
    root.panels[0].handle.focus({ preventScroll: true });
    // A mouse takes θ along at once; a finger may be about to scroll.
    if (!grip && !isTouch) move(thetaUnder(root, panel, event));
    if (grip || !isTouch) begin(root, root.drag);
  };
  plot.onpointermove = (event) => {
    const { drag } = root;
    if (!drag || event.pointerId !== drag.id) return;
    if (!drag.moving && Math.abs(event.clientX - drag.x) < DRAG_PX) return;
    begin(root, drag);
    move(thetaUnder(root, panel, event));
  };
  /** @param {PointerEvent} event */
  const end = (event) => {
    if (!root.drag || event.pointerId !== root.drag.id) return;
    // A tap puts θ there.
    if (event.type === "pointerup" && !root.drag.moving) move(thetaUnder(root, panel, event));
    root.drag = null;
    root.classList.remove("dragged");
    release();
  };
  plot.onpointerup = plot.onpointercancel = plot.onlostpointercapture = end;
}

/**
 * From the handle's middle to a pointer that holds it; null: it does not.
 *
 * @param {Panel} panel
 * @param {PointerEvent} event
 * @returns {[number, number] | null}
 */
function gripOf({ handle }, event) {
  if (!(event.target instanceof Node) || !handle.contains(event.target)) return null;
  const box = handle.getBoundingClientRect();
  return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
}

/**
 * @param {Root} root
 * @param {Drag} drag
 */
function begin(root, drag) {
  drag.moving = true;
  root.classList.add("dragged");
}
