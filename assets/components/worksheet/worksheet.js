import { find } from "../shared/elements.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

/**
 * Open the browser's own print dialogue; what it prints is decided by print.css.
 *
 * @param {ComponentArguments<null>} component
 */
export default function worksheet({ parentElement }) {
  find(parentElement, "button").onclick = () => window.print();
}
