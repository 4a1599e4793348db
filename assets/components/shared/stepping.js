// Steps from 0 to a last one: played, one by one, to either end, with a slider or with keys.

import { DOUBLE_CLICK_MS } from "./clicks.js";
import { button, element, find, icon } from "./elements.js";
import { hasModifier, isMeantFor, listenToPageKeys } from "./keys.js";

const STEP_MS = 700; // a step is shown so long when they are played
const PAUSE = "M6 4h4v16H6zM14 4h4v16h-4z";
/** @type {Record<string, number>} */
const STEP_KEYS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

/**
 * Each button's label, its key and its icon.
 *
 * @type {Record<ButtonName, [label: string, key: string, icon: string]>}
 */
const STEP_BUTTONS = {
  rewind: ["Rewind", "Home", "M5 5h3v14H5zM20 5v14L9 12z"],
  back: ["Step back", "left arrow", "M17 5v14L6 12z"],
  play: ["Play", "", "M7 4v16l14-8z"],
  forward: ["Step forward", "right arrow", "M7 5v14l11-7z"],
  last: ["To the end", "End", "M16 5h3v14h-3zM4 5v14l11-7z"],
};

/** @typedef {"rewind" | "back" | "play" | "forward" | "last"} ButtonName */

/**
 * @typedef {object} StepOptions
 * @property {ButtonName[]} buttons
 * @property {string} [slider] - What it is called; none without it.
 * @property {boolean} [keys] - The page's arrow keys, Home and End step. An element that scrolls
 *   with them itself has the attribute `data-own-keys`.
 * @property {(step: number, last: number) => number} [startMs] - When a step is shown, counted
 *   from step 0, if they are played.
 * @property {() => void} [onPlaying] - Called when it starts or stops to play.
 */

export class Stepper {
  step = 0;
  last = 0;

  /** @type {number | null} */
  #frame = null;
  #pressedAt = -Infinity;

  /**
   * Put the controls before what is in the component's `.step-controls`.
   *
   * @param {HTMLElement} root - Its `data-step` says where it stands.
   * @param {(step: number) => void} show - Draws a step.
   * @param {StepOptions} options
   */
  constructor(root, show, options) {
    this.root = root;
    this.show = show;
    this.startMs = options.startMs ?? ((step) => step * STEP_MS);
    this.onPlaying = options.onPlaying;
    const made = options.buttons.map((name) => stepButton(name, Boolean(options.keys)));
    this.buttons = Object.fromEntries(made.map((one) => [one.className, one]));
    const controls = find(root, ".step-controls");
    controls.prepend(...made);
    this.#listen();
    if (options.slider) {
      this.slider = element("input");
      Object.assign(this.slider, { type: "range", min: "0", step: "1" });
      this.slider.setAttribute("aria-label", options.slider);
      this.slider.oninput = () => this.go(Number(this.slider?.value));
      made.at(-1)?.after(this.slider);
    }
    this.#showControls();
    if (options.keys) listenToPageKeys(root, (event) => this.#onKey(event));
  }

  #showControls() {
    for (const one of [...Object.values(this.buttons), this.slider]) {
      if (one) one.hidden = this.last === 0;
    }
  }

  #listen() {
    const onclick = {
      rewind: () => this.go(0),
      back: () => this.go(this.step - 1),
      play: () => this.play(),
      forward: () => this.go(this.step + 1),
      last: () => this.go(this.last),
    };
    for (const [name, press] of Object.entries(onclick)) {
      if (this.buttons[name]) this.buttons[name].onclick = press;
    }
  }

  get playing() {
    return this.#frame !== null;
  }

  /**
   * Take over what was computed anew: another last step, or other contents of the same ones. Where
   * no step is taken there is nothing to play.
   *
   * @param {number} last
   * @param {number} step - The one to show.
   */
  reset(last, step) {
    this.last = last;
    this.#showControls();
    this.moveTo(step);
  }

  /**
   * Stop, and show a step, or the nearest that there is.
   *
   * @param {number} step
   */
  go(step) {
    this.stop();
    this.moveTo(step);
  }

  /**
   * Show a step without stopping.
   *
   * @param {number} step
   */
  moveTo(step) {
    this.step = Math.min(Math.max(step, 0), this.last);
    this.root.dataset.step = String(this.step);
    for (const [name, end] of /** @type {[string, number][]} */ ([
      ["rewind", 0],
      ["back", 0],
      ["forward", this.last],
      ["last", this.last],
    ])) {
      if (this.buttons[name]) this.buttons[name].disabled = this.step === end;
    }
    if (this.slider) {
      this.slider.max = String(this.last);
      this.slider.value = String(this.step);
    }
    this.show(this.step);
  }

  /**
   * Say in words where it stands.
   *
   * @param {string} words
   */
  name(words) {
    find(this.root, ".step-controls .where").textContent = words;
    this.slider?.setAttribute("aria-valuetext", words);
  }

  /** Play from here, or from step 0 if this is the last; pause while it plays. */
  play() {
    const now = performance.now();
    if (now - this.#pressedAt < DOUBLE_CLICK_MS) return; // it plays, and does not stop
    this.#pressedAt = now;
    if (this.playing) {
      this.stop();
      return;
    }
    const from = this.step === this.last ? 0 : this.step;
    const begin = now - this.startMs(from, this.last);
    /** @param {number} time */
    const onFrame = (time) => {
      if (!this.root.isConnected) return this.stop();
      let step = this.step;
      while (step < this.last && this.startMs(step + 1, this.last) <= time - begin) step += 1;
      if (step !== this.step) this.moveTo(step);
      if (this.step === this.last) return this.stop();
      this.#frame = requestAnimationFrame(onFrame);
    };
    this.#frame = requestAnimationFrame(onFrame);
    this.markPlaying(true);
    this.onPlaying?.();
    this.moveTo(from);
  }

  stop() {
    const wasPlaying = this.playing;
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.markPlaying(false);
    if (wasPlaying) this.onPlaying?.();
  }

  /**
   * Show on the button whether steps are played, here or by the player that this one follows.
   *
   * @param {boolean} playing
   */
  markPlaying(playing) {
    const { play } = this.buttons;
    if (!play) return;
    play.classList.toggle("playing", playing);
    // One with a text of its own keeps it.
    if (play.hasAttribute("aria-label")) play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (hasModifier(event) || !(event.key in STEP_KEYS) || !isMeantFor(this.root, event)) return;
    const [from] = event.composedPath();
    if (from instanceof Element && from.matches("[data-own-keys], input[type=range]")) return;
    this.go(this.step + STEP_KEYS[event.key]);
    event.preventDefault();
  }
}

/**
 * @param {ButtonName} name
 * @param {boolean} withKeys - Its key is named under the pointer.
 */
function stepButton(name, withKeys) {
  const [label, key, path] = STEP_BUTTONS[name];
  const made = button(name, label, icon(path, name === "play" ? "to-play" : undefined));
  if (withKeys && key) made.title = `${label} (${key})`;
  if (name === "play") {
    made.title = "Play or pause";
    made.append(icon(PAUSE, "to-pause"));
  }
  return made;
}
