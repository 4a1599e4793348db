// Making and finding elements.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string | number} [text]
 */
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = String(text);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | undefined>} [attributes]
 * @param {string | number} [text]
 */
export function svg(tag, attributes = {}, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, String(value));
  }
  if (text !== undefined) made.textContent = String(text);
  return made;
}

/**
 * An icon of 24 by 24 units.
 *
 * @param {string} path
 * @param {string} [className]
 */
export function icon(path, className) {
  const made = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: className });
  made.append(svg("path", { d: path }));
  return made;
}

/**
 * A button whose label is read aloud and shown under the pointer.
 *
 * @param {string} className
 * @param {string} label
 * @param {Node | string} content
 * @param {() => void} [onclick]
 */
export function button(className, label, content, onclick) {
  const made = element("button", className);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.append(content);
  if (onclick) made.onclick = onclick;
  return made;
}

/**
 * @param {string} source
 * @param {string} words - What is to be seen, for those who do not see it and under the pointer.
 */
export function image(source, words) {
  const made = element("img");
  made.src = source;
  made.alt = words;
  made.title = words;
  return made;
}

/**
 * The first element that a selector names; it has to be there.
 *
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
/**
 * @template {Element} Kind
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
/**
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Element} [kind]
 */
export function find(root, selector, kind = HTMLElement) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new TypeError(`There is no ${kind.name} ${selector}.`);
  return found;
}

/**
 * All HTML elements that a selector names.
 *
 * @param {ParentNode} root
 * @param {string} selector
 */
export function findAll(root, selector) {
  return [...root.querySelectorAll(selector)].filter((one) => one instanceof HTMLElement);
}

/**
 * Write a sentence that is read aloud each time it is written: only when it is new.
 *
 * @param {HTMLElement} status
 * @param {string} text
 */
export function announce(status, text) {
  if (status.textContent !== text) status.textContent = text;
}
