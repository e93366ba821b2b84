import { OptionError } from '../errors.js';
import { show } from '../options.js';

/**
 * Parameters by their paths in `model.namedParameters()`: the path of one (`'conv1.weight'`), that of a module, which
 * names all below it (`'features.0'`), an expression that paths match (`/bias$/`), or a list of these.
 */
export type ParameterNames = string | RegExp | readonly (string | RegExp)[];

/** Throws `OptionError` for what is no name of parameters. */
export function checkNames(where: string, names: unknown): ParameterNames {
  const list = Array.isArray(names) ? names : [names];
  const wrong = list.find((name) => !(name instanceof RegExp) && (typeof name !== 'string' || name === ''));
  if (wrong !== undefined || list.length === 0 || names === undefined) {
    throw new OptionError(
      `[${where}] parameters must be paths of parameters or modules, or regular expressions, but is ${show(names)}`,
    );
  }
  return Array.isArray(names) ? Object.freeze([...names]) : (names as ParameterNames);
}

/** Whether one of the names is that of the parameter at `path`. */
export function isNamed(names: ParameterNames, path: string): boolean {
  const list: readonly (string | RegExp)[] = Array.isArray(names) ? names : [names as string | RegExp];
  return list.some((name) =>
    // Not test(): that of a global expression goes on where the last one ended.
    name instanceof RegExp ? path.search(name) >= 0 : path === name || path.startsWith(`${name}.`),
  );
}

/** `'fc', /bias$/` */
export function formatNames(names: ParameterNames): string {
  const list: readonly (string | RegExp)[] = Array.isArray(names) ? names : [names as string | RegExp];
  return list.map((name) => (name instanceof RegExp ? String(name) : `'${name}'`)).join(', ');
}
