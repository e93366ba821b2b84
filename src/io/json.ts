import { FormatError } from '../errors.js';

/** What a text holds. Throws `FormatError` that says why `what` is not JSON. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${what} is not JSON (${(error as Error).message})`);
  }
}
