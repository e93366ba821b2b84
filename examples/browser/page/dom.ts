/** The element of the page with this id. Throws where the page has none of that kind. */
export function byId<T extends Element>(id: string, Kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof Kind)) throw new Error(`the page has no ${Kind.name} with the id ${id}`);
  return found;
}

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** An HTML element with attributes (true: present, false: absent) and children. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** The same of SVG. */
export function createSvg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, String(value));
  }
}

/** Sets a text only where it differs: what has not changed is not laid out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
