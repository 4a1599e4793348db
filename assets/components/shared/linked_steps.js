// Two components that stand at the same step: the page's player, and controls for what lies far
// from it on the page. Each tells the other through the document.

/** @import { Stepper } from "./stepping.js" */

const STEPPED = "maml-stepped";

/** @typedef {{ from: HTMLElement, step: number, last: number }} Stepped - A step below 0 asks. */

/**
 * Tell where a component stands.
 *
 * @param {HTMLElement} root
 * @param {Stepper} stepper
 */
export function tellStep(root, { step, last }) {
  send({ from: root, step, last });
}

/**
 * Go along with the player, and with all that happens to it later.
 *
 * @param {HTMLElement} root
 * @param {Stepper} stepper
 */
export function followPlayer(root, stepper) {
  listen(root, ({ step, last }) => {
    if (step < 0 || (step === stepper.step && last === stepper.last)) return;
    stepper.stop();
    stepper.reset(last, step);
  });
  send({ from: root, step: -1, last: -1 });
}

/**
 * Be the player that others follow, and go where they go.
 *
 * @param {HTMLElement} root
 * @param {Stepper} stepper
 */
export function leadOthers(root, stepper) {
  listen(root, ({ step }) => {
    if (step < 0) tellStep(root, stepper);
    else if (step !== stepper.step) stepper.go(step);
  });
}

/** @param {Stepped} detail */
function send(detail) {
  document.dispatchEvent(new CustomEvent(STEPPED, { detail }));
}

/**
 * @param {HTMLElement} root
 * @param {(stepped: Stepped) => void} onStep - Of the other.
 */
function listen(root, onStep) {
  /** @param {Event} event */
  const listener = (event) => {
    if (!root.isConnected) document.removeEventListener(STEPPED, listener);
    else if (event instanceof CustomEvent && event.detail.from !== root) onStep(event.detail);
  };
  document.addEventListener(STEPPED, listener);
}
