/** Builds SVG as text, so that the same drawing serves a browser page, a file and the rasteriser. */

type Attributes = Readonly<Record<string, string | number | undefined>>;

const FONT = "'DejaVu Sans', Verdana, 'Helvetica Neue', Arial, sans-serif";

/** Escapes what is special in XML and drops the control characters that XML cannot hold. */
export function escapeXml(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- these are the very characters that XML 1.0 forbids.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
  );
}

/** One element; `undefined` attributes are left out, coordinates are rounded to hundredths of a pixel. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  let tag = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const shown = typeof value === 'number' ? Math.round(value * 100) / 100 : escapeXml(value);
    tag += ` ${key}="${shown}"`;
  }
  return children.length === 0 ? `${tag}/>` : `${tag}>${children.join('')}</${name}>`;
}

/** A text element at (x, y), the baseline's start unless `text-anchor` says otherwise. */
export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeXml(content));
}

/** A whole picture on white, `title` and `description` being what a screen reader says. */
export function picture(
  width: number,
  height: number,
  title: string,
  description: string,
  body: readonly string[],
): string {
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'font-family': FONT,
      'font-size': 13,
    },
    `\n${element('title', {}, escapeXml(title))}\n`,
    `${element('desc', {}, escapeXml(description))}\n`,
    `${element('rect', { width, height, fill: '#ffffff' })}\n`,
    body.join('\n'),
    '\n',
  )}\n`;
}

/** Shortens text that would be wider than about `width` pixels. */
export function fit(content: string, width: number, fontSize: number, bold = false): string {
  const em = width / (fontSize * (bold ? 1.12 : 1));
  const letters = Array.from(content);
  if (letters.reduce((sum, letter) => sum + advance(letter), 0) <= em) return content;
  let room = em - advance('…');
  const kept = letters.findIndex((letter) => {
    room -= advance(letter);
    return room < 0;
  });
  return `${letters.slice(0, kept).join('').trimEnd()}…`;
}

/** About how far a letter reaches in DejaVu Sans, the widest of the fonts named above, in em; bold is 12 % wider. */
function advance(letter: string): number {
  if (/[ijl.,:;'|!]/.test(letter)) return 0.32;
  if (/[ frtI/()[\]-]/.test(letter)) return 0.38;
  if (/[mwMW%@…]/.test(letter)) return 0.97;
  if (/[A-Z]/.test(letter)) return 0.7;
  return letter < '\u0100' ? 0.62 : 1.2;
}
