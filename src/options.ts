import { OptionError } from './errors.js';

/** How a value looks in an error message: short, and telling `"3"` from `3`. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function';
  if (Array.isArray(value) && value.length <= 8) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) {
    return `a value of type ${value.constructor?.name ?? 'Object'}`;
  }
  return String(value);
}

/** Number of single-character edits that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}

function suggestion(name: string, allowed: readonly string[]): string {
  if (name.length > 60) return '';
  // Two edits catch a slip and a transposition; camelCase written as snake_case or in lower case is the common one.
  const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, '');
  const near = allowed.find((other) => editDistance(plain(name), plain(other)) <= 2);
  return near === undefined ? '' : `, did you mean '${near}'?`;
}

/**
 * Returns `options` (an empty object when undefined) after making sure that it is a plain object with known names
 * only: a misspelt option must not be a silent default.
 * @throws OptionError `[DataLoader] unknown option 'batchsize', did you mean 'batchSize'? Known: batchSize, shuffle`
 */
export function checkOptions<T extends object>(
  where: string,
  options: T | undefined,
  allowed: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`[${where}] expected an object of options but got ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!(allowed as readonly string[]).includes(name)) {
      const known = allowed.length === 0 ? 'it takes none' : `known: ${allowed.join(', ')}`;
      throw new OptionError(`[${where}] unknown option '${name}'${suggestion(name, allowed)} (${known})`);
    }
  }
  return options;
}

/** Checks that `value` is a whole number from `low` to `high`, both included, and returns it. */
export function integerBetween(
  where: string,
  name: string,
  value: unknown,
  low: number,
  high: number,
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
  throw new OptionError(`[${where}] ${name} must be a whole number ${range} but is ${show(value)}`);
}

/** Checks that `value` is 1, 2, 3, ... and returns it. */
export function positiveInteger(where: string, name: string, value: unknown): number {
  return integerBetween(where, name, value, 1, Number.MAX_SAFE_INTEGER);
}

/** Checks that `value` is 0, 1, 2, ... and returns it. */
export function nonNegativeInteger(where: string, name: string, value: unknown): number {
  return integerBetween(where, name, value, 0, Number.MAX_SAFE_INTEGER);
}

/** Checks that `value` is a finite number and returns it. */
export function finiteNumber(where: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new OptionError(`[${where}] ${name} must be a finite number but is ${show(value)}`);
}

/** Checks that `value` is a finite number from `low` to `high`, both included, and returns it. */
export function numberBetween(
  where: string,
  name: string,
  value: unknown,
  low: number,
  high: number,
): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
  const range = high === Number.POSITIVE_INFINITY ? `of at least ${low}` : `from ${low} to ${high}`;
  throw new OptionError(`[${where}] ${name} must be a finite number ${range} but is ${show(value)}`);
}

/** Checks that `value` is a finite number that is not negative and returns it. */
export function nonNegativeNumber(where: string, name: string, value: unknown): number {
  return numberBetween(where, name, value, 0, Number.POSITIVE_INFINITY);
}

/** Checks that `value` is true or false and returns it. */
export function boolean(where: string, name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new OptionError(`[${where}] ${name} must be true or false but is ${show(value)}`);
}

/** Checks that `value` is a string that is not empty and returns it. */
export function text(where: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new OptionError(`[${where}] ${name} must be a string that is not empty but is ${show(value)}`);
}

/** What relative addresses are relative to: the page, or in a worker its script; undefined in Node. */
const pageAddress = () => globalThis.document?.baseURI ?? globalThis.location?.href;

/** Checks that `value` is the address of a folder and returns it, absolute and with a slash at its end. */
export function folderAddress(where: string, name: string, value: unknown): string {
  const address = value instanceof URL ? value.href : text(where, name, value);
  const folder = address.endsWith('/') ? address : `${address}/`;
  if (!URL.canParse(folder, pageAddress())) {
    throw new OptionError(`[${where}] ${name} must be the address of a folder but is ${show(value)}`);
  }
  return new URL(folder, pageAddress()).href;
}

/** Checks that `value` is one of `choices` and returns it. */
export function oneOf<T extends string>(
  where: string,
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  if (typeof value === 'string' && (choices as readonly string[]).includes(value)) return value as T;
  const list = choices.map((choice) => `'${choice}'`).join(', ');
  throw new OptionError(`[${where}] ${name} must be one of ${list} but is ${show(value)}`);
}
