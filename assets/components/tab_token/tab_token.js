// Keeps in this tab, through a reload, the token under which the server keeps the visitor's work. A
// cookie tells the server's first run that some tab of this browser has a token.

/** @import { ComponentArguments } from "../shared/browser.js" */

const KEY = "maml-kept-work";

/**
 * @typedef {object} Data
 * @property {string | null} token - To be kept.
 * @property {boolean} asks - Whether the server waits for the token of this tab.
 * @property {string} cookie - With its attributes.
 * @property {string} readCookie - The name of one that the server has read by now.
 */

/** @param {ComponentArguments<Data>} component */
export default function tabToken({ data, setStateValue }) {
  let kept = "";
  try {
    document.cookie = `${data.readCookie}=; path=/; max-age=0; SameSite=Strict`;
    if (data.token) {
      sessionStorage.setItem(KEY, data.token);
      document.cookie = data.cookie;
    }
    kept = sessionStorage.getItem(KEY) ?? "";
  } catch {
    // The browser forbids it: then there is nothing to restore.
  }
  if (data.asks) setStateValue("token", kept);
}
