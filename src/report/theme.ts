/**
 * The colours of the drawings, and what becomes of them where a page is dark. Drawings name them as they are on white
 * paper, so that a file and a PNG need nothing else; within a page each is a variable.
 */
const COLOURS = [
  { name: 'paper', light: '#ffffff', dark: '#15171c' },
  { name: 'ink', light: '#222222', dark: '#e8e9ec' },
  { name: 'muted', light: '#666666', dark: '#a4a8b1' },
  { name: 'faint', light: '#888888', dark: '#8b909b' },
  { name: 'rule', light: '#999999', dark: '#6d727d' },
  { name: 'grid', light: '#e3e3e3', dark: '#2c3038' },
  { name: 'red', light: '#c62828', dark: '#ff8a80' },
  { name: 'blue', light: '#1565c0', dark: '#82b1ff' },
  { name: 'green', light: '#2e7d32', dark: '#81c995' },
  { name: 'orange', light: '#b35900', dark: '#ffb74d' },
  { name: 'purple', light: '#7b1fa2', dark: '#ce93d8' },
  { name: 'teal', light: '#00727a', dark: '#6fd0d8' },
  { name: 'brown', light: '#6d4c41', dark: '#bfa094' },
  { name: 'olive', light: '#66700f', dark: '#c5cf6b' },
] as const;

type Colour = (typeof COLOURS)[number]['name'];

/** By name, as on white paper. */
export const COLOUR = Object.fromEntries(COLOURS.map(({ name, light }) => [name, light])) as Readonly<
  Record<Colour, string>
>;

/** Colours that tell curves apart, with which the first eight do without another sign. */
export const CURVE_COLOURS = [
  COLOUR.blue,
  COLOUR.red,
  COLOUR.green,
  COLOUR.purple,
  COLOUR.orange,
  COLOUR.teal,
  COLOUR.brown,
  COLOUR.olive,
] as const;

/** A drawing for a page: it takes the page's colours. */
export function themed(svg: string): string {
  return svg.replace(/(?<=(?:fill|stroke)=")#[0-9a-f]{6}(?=")/g, (hex) => {
    const colour = COLOURS.find(({ light }) => light === hex);
    return colour ? `var(--${colour.name})` : hex;
  });
}

const variables = (theme: 'light' | 'dark') =>
  COLOURS.map((colour) => `--${colour.name}: ${colour[theme]};`).join(' ');

/** The variables, for a style sheet: light, dark where the reader's system is, and light on paper. */
export const THEME_CSS = `:root { color-scheme: light dark; ${variables('light')} }
@media screen and (prefers-color-scheme: dark) { :root { ${variables('dark')} } }`;
