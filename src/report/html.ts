import { escapeXml } from './svg.js';
import { THEME_CSS } from './theme.js';

const STYLE = `${THEME_CSS}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1020px; padding: 40px 24px 80px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 56px 0 4px; padding-top: 16px; border-top: 1px solid var(--grid); }
p { margin: 4px 0 12px; max-width: 72ch; }
.lead, figcaption { color: var(--muted); }
figure { margin: 12px 0 12px -24px; }
figcaption { font-size: 14px; margin: 0 0 8px 24px; }
svg { display: block; max-width: 100%; height: auto; }
image { image-rendering: pixelated; }
a { color: var(--blue); }
nav { margin: 20px 0 0; display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 28px 0 0; padding: 0; }
.figures div { border: 1px solid var(--grid); border-radius: 8px; padding: 12px 16px; }
.figures dt { color: var(--muted); font-size: 13px; }
.figures dd { margin: 0; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 12px 0; }
th, td { padding: 5px 14px; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
thead th { color: var(--muted); font-weight: 500; font-size: 13px; vertical-align: bottom; border-bottom-color: var(--rule); }
th:first-child, td:first-child { padding-left: 0; }
tbody th { text-align: left; font-weight: 600; }
.text { text-align: left; }
.best { color: var(--green); font-weight: 600; }
.bar { display: inline-block; width: 72px; height: 8px; margin-left: 10px; background: var(--grid); border-radius: 4px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--blue); }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 8px; }
pre { overflow-x: auto; padding: 16px; border: 1px solid var(--grid); border-radius: 8px; font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; }
@media print { body { max-width: none; padding: 0; } nav { display: none; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }`;

/** A whole page: no script, and nothing that is fetched. `body` is HTML. */
export function htmlPage(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="generator" content="twill">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body.join('\n')}
</body>
</html>
`;
}

/** A part of a page, for `contents` to point to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** HTML. */
  readonly body: readonly string[];
}

export function contents(sections: readonly Section[]): string {
  const links = sections.map(({ id, title }) => `<a href="#${id}">${escapeXml(title)}</a>`);
  return `<nav aria-label="Contents">${links.join('')}</nav>`;
}

export function sectionHtml({ id, title, body }: Section): string {
  return `<section id="${id}">\n<h2>${escapeXml(title)}</h2>\n${body.join('\n')}\n</section>`;
}

/** A cell: its text, or HTML of our own making. */
export type Cell = string | { readonly html: string; readonly class?: string };

/** A table whose first column names its rows. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const heads = head.map(
    (name, column) => `<th scope="col"${column === 0 ? ' class="text"' : ''}>${escapeXml(name)}</th>`,
  );
  const body = rows.map((row) => `<tr>${row.map((cell, column) => cellHtml(cell, column)).join('')}</tr>`);
  // Wide tables scroll, so whoever has no mouse must be able to get there.
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>
<thead><tr>${heads.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>`;
}

function cellHtml(cell: Cell, column: number): string {
  const { html, class: name } = typeof cell === 'string' ? { html: escapeXml(cell), class: undefined } : cell;
  const attribute = name ? ` class="${name}"` : '';
  return column === 0 ? `<th scope="row"${attribute}>${html}</th>` : `<td${attribute}>${html}</td>`;
}

/** Figures that most readers come for. */
export function keyFigures(figures: readonly (readonly [name: string, value: string])[]): string {
  const items = figures.map(
    ([name, value]) => `<div><dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd></div>`,
  );
  return `<dl class="figures">${items.join('')}</dl>`;
}

/** A drawing with what it shows. */
export function figure(svg: string, caption?: string): string {
  const said = caption ? `<figcaption>${escapeXml(caption)}</figcaption>` : '';
  return `<figure>${said}${svg}</figure>`;
}
