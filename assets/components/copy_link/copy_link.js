// Copies the page's address as it stands in the address bar, and says so. It is on every page, so
// it also hears the Tab that is to lead into an open popover.

import { announce, element, find } from "../shared/elements.js";
import { enterOpenPopover, listenToPageKeys } from "../shared/keys.js";

/** @import { ComponentArguments } from "../shared/browser.js" */

const SAID_MS = 4000;

/**
 * @param {string} text
 * @returns {Promise<boolean>} Whether it is on the clipboard.
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // by plain http there is no clipboard, and it can be forbidden
  }
}

/**
 * @param {string} text
 * @returns {boolean} Whether it is on the clipboard.
 */
function copyBySelection(text) {
  const area = element("textarea");
  area.value = text;
  area.style.cssText = "position: fixed; top: 0; opacity: 0";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** @param {ComponentArguments<null>} component */
export default function copyLink({ parentElement }) {
  const button = find(parentElement, "button");
  const status = find(parentElement, "p");
  if (!button.onclick) listenToPageKeys(button, enterOpenPopover);
  button.onclick = async () => {
    const done = await copy(location.href);
    button.focus();
    announce(status, done ? "Copied" : "Your browser forbids copying: take it from “QR code”.");
    if (done) setTimeout(() => announce(status, ""), SAID_MS);
  };
}
