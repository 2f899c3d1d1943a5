// @ts-check
/** Elements, made without any markup: text is always text, so nothing that a run is called can become part of the page. */

const SVG = 'http://www.w3.org/2000/svg';
/** Set as properties: their attributes say only what they were at first. */
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'indeterminate', 'selected', 'hidden', 'open', 'tabIndex']);

/**
 * @typedef {Node | string | number | null | undefined | false | readonly any[]} Child lists may hold lists
 * @typedef {Record<string, any>} Props
 */

/**
 * An HTML element. `class`, `dataset` and `style` (an object of CSS properties) are what they say, `on…` is a listener
 * (`onClick`), null, undefined and false leave an attribute out, true sets it empty.
 * @param {string} tag
 * @param {Props | Child} [props] may be left out
 * @param {...Child} children
 * @returns {any} the element; of which kind, the caller knows
 */
export function h(tag, props, ...children) {
  return make(document.createElement(tag), props, children);
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Props | Child} [props]
 * @param {...Child} children
 * @returns {any}
 */
export function svg(tag, props, ...children) {
  return make(document.createElementNS(SVG, tag), props, children);
}

/**
 * These children in place of those that are there.
 * @param {Element} node
 * @param {...Child} children
 */
export function replace(node, ...children) {
  node.replaceChildren(...flat(children));
}

/**
 * Put the children of a node into this order; those that are in their place stay untouched, and with them focus and scroll.
 * @param {Element} node
 * @param {Element[]} children
 */
export function arrange(node, children) {
  const kept = new Set(children);
  for (const each of [...node.children]) if (!kept.has(each)) each.remove();
  children.forEach((child, place) => {
    if (node.children[place] !== child) node.insertBefore(child, node.children[place] ?? null);
  });
}

/**
 * Write a text only where it is another: nothing is laid out anew for what stays.
 * @param {Element} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {any} node
 * @param {any} props
 * @param {Child[]} children
 */
function make(node, props, children) {
  if (isProps(props)) assign(node, props);
  else if (props !== undefined) children.unshift(props);
  node.append(...flat(children));
  return node;
}

/** @param {any} value */
function isProps(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Node);
}

/**
 * @param {any} node
 * @param {Props} props
 */
function assign(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === 'dataset') Object.assign(node.dataset, value);
    else if (name === 'style') for (const [key, text] of Object.entries(value)) node.style.setProperty(key, String(text));
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function flat(children) {
  return /** @type {any[]} */ (children)
    .flat(Infinity)
    .filter((each) => each !== null && each !== undefined && each !== false)
    .map((each) => (typeof each === 'number' ? String(each) : each));
}
