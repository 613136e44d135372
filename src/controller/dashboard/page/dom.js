// Building and changing elements. Text is only ever set as text: what apps are called or print can
// never become part of the page.

export const $ = (id) => document.getElementById(id);

// An element: `h('button', {class: 'strong', type: 'button', onclick: f}, 'Text', child)`.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Sets a text if it is another one: what does not change costs nothing and is not read out again.
export function setText(element, text) {
  const wanted = text ?? '';
  if (element.textContent !== wanted) element.textContent = wanted;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// Keeps the children of an element as the items say, each made once and then patched.
export class Keyed {
  constructor(parent, make, patch) {
    Object.assign(this, { parent, make, patch, known: new Map() });
  }

  show(items, keyOf) {
    const wanted = new Set();
    let at = this.parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      wanted.add(key);
      let row = this.known.get(key);
      if (!row) {
        row = this.make(item);
        this.known.set(key, row);
      }
      this.patch(row, item);
      if (row.element === at) at = at.nextElementSibling;
      else this.parent.insertBefore(row.element, at);
    }
    for (const [key, row] of this.known) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.known.delete(key);
    }
  }
}
