import { find } from "../shared/elements.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

/**
 * Open the browser's own print dialogue; what it prints is decided by print.css.
 *
 * @param {ComponentArguments<{ label: string }>} component
 */
export default function worksheet({ parentElement, data }) {
  const button = find(parentElement, "button");
  button.textContent = data.label;
  button.onclick = () => window.print();
}
