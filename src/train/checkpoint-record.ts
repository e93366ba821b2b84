import type { GeneratorState } from '../random.js';
import type { BaseRates } from './scheduled-rates.js';

// What a checkpoint says in JSON, looked at before anything of it is used: the file may have been changed.

/** An object's fields; none where it is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A whole number from `low` on. */
export const isCount = (value: unknown, low = 0): value is number =>
  Number.isSafeInteger(value) && (value as number) >= low;

/** JSON has no NaN: null stands for what is right of values. */
export const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);
export const isNumberOrNaN = (value: unknown): value is number | null => value === null || isNumber(value);

/** Of the optimizer, then of its groups; undefined, in JSON null, where a group has none of its own. */
function rates(values: unknown): readonly (number | undefined)[] | undefined {
  if (!Array.isArray(values) || values.length === 0) return undefined;
  const fit = values.every((one) => one === null || (isNumber(one) && one >= 0));
  return fit ? values.map((one: number | null) => one ?? undefined) : undefined;
}

/** Learning rates and momenta, as many of the ones as of the others; undefined where they are no such thing. */
export function parseRates(value: unknown): BaseRates | undefined {
  const { lrs, momenta } = fieldsOf(value);
  const parsed = { lrs: rates(lrs), momenta: rates(momenta) };
  if (parsed.lrs?.[0] === undefined || parsed.lrs.length !== parsed.momenta?.length) return undefined;
  return { lrs: parsed.lrs, momenta: parsed.momenta! };
}

/** The words of a generator, or nothing at all. */
export function isStateOrAbsent(value: unknown): value is GeneratorState | undefined {
  if (value === undefined) return true;
  const isWord = (word: unknown) => isCount(word) && word < 2 ** 32;
  return (
    Array.isArray(value) && value.length === 4 && value.every(isWord) && value.some((word) => word !== 0)
  );
}
