import { FormatError } from '../errors.js';

/** What a text holds. Throws `FormatError` that says why `what` is not JSON, in one line: engines quote a text as it is. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    throw new FormatError(`${what} is not JSON (${message.replace(/[\s\p{C}]+/gu, ' ')})`);
  }
}
