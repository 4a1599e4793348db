// Controls of the page's player that stand beside charts far below it.
//
// Streamlit calls the default export again on each rerun: what must survive is kept on the root.

import { find } from "../shared/elements.js";
import { followPlayer, tellStep } from "../shared/linked_steps.js";
import { Stepper } from "../shared/stepping.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

/** @typedef {HTMLElement & { stepper?: Stepper }} Root */

/**
 * @param {Root} root
 * @param {Stepper} stepper
 */
function showLinked(root, stepper) {
  stepper.name(stepper.last ? `Inner step ${stepper.step} of ${stepper.last}` : "");
  tellStep(root, stepper);
}

/** @param {ComponentArguments<object>} component */
export default function linkedSteps({ parentElement }) {
  const root = /** @type {Root} */ (find(parentElement, ".linked-steps"));
  if (root.stepper) return;
  /** @type {Stepper} */
  const stepper = new Stepper(root, () => showLinked(root, stepper), {
    buttons: ["rewind", "back", "play", "forward", "last"],
    slider: "Inner step of the maps",
  });
  root.stepper = stepper;
  followPlayer(root, stepper);
}
