// Two components that stand at the same step: the page's player, and controls for what lies far
// from it on the page. Each tells the other through the document.

/** @import { Stepper } from "./stepping.js" */

const STEPPED = "maml-stepped";

const ASK = -1;
const PLAY = -2;

/**
 * @typedef {object} Stepped
 * @property {HTMLElement} from
 * @property {number} step - `ASK` and `PLAY` are what a follower wants of the player.
 * @property {number} last
 * @property {boolean} playing
 */

/**
 * Tell where a component stands.
 *
 * @param {HTMLElement} root
 * @param {Stepper} stepper
 */
export function tellStep(root, { step, last, playing }) {
  send({ from: root, step, last, playing });
}

/**
 * Go along with the player, and with all that happens to it later. It alone plays: its button and
 * the follower's start and stop the same.
 *
 * @param {HTMLElement} root
 * @param {Stepper} stepper
 */
export function followPlayer(root, stepper) {
  /** @param {number} wish */
  const want = (wish) => send({ from: root, step: wish, last: 0, playing: false });
  stepper.buttons.play.onclick = () => want(PLAY);
  listen(root, ({ step, last, playing }) => {
    if (step < 0) return;
    if (step !== stepper.step || last !== stepper.last) stepper.reset(last, step);
    stepper.markPlaying(playing);
  });
  want(ASK);
}

/**
 * Be the player that others follow, and go where they go.
 *
 * @param {HTMLElement} root
 * @param {Stepper} stepper
 */
export function leadOthers(root, stepper) {
  listen(root, ({ step }) => {
    if (step === ASK) tellStep(root, stepper);
    else if (step === PLAY) stepper.play();
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
