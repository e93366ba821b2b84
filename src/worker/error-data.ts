import * as twillErrors from '../errors.js';

/** An error as data. Structured cloning keeps neither the class of our errors nor what they hold. */
export interface ErrorData {
  /** A class of src/errors.ts or of the language; undefined where what was thrown is no error. */
  readonly name: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: ErrorData | undefined;
  /** What the class holds beyond that: numbers and texts. */
  readonly more: Readonly<Record<string, unknown>>;
}

type ErrorClass = new (message: string, ...more: never[]) => Error;

/** By name: a minifier may have renamed the classes, and differently on the two sides. */
const CLASSES: Readonly<Record<string, ErrorClass>> = {
  ...(twillErrors as unknown as Record<string, ErrorClass>),
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

export function encodeError(error: unknown): ErrorData {
  if (!(error instanceof Error)) {
    return { name: undefined, message: String(error), stack: undefined, cause: undefined, more: {} };
  }
  const known = Object.entries(CLASSES).find(([, one]) => one === error.constructor)?.[0];
  const { message, stack, cause } = error;
  return {
    name: known ?? error.name,
    message,
    stack,
    cause: cause === undefined ? undefined : encodeError(cause),
    more: Object.fromEntries(
      Object.entries(error).filter(([, value]) => typeof value === 'number' || typeof value === 'string'),
    ),
  };
}

/** The error with the class, the message and the stack that it had where it was thrown. */
export function decodeError({ name, message, stack, cause, more }: ErrorData): Error {
  const Class = name !== undefined && Object.hasOwn(CLASSES, name) ? CLASSES[name]! : Error;
  const error = Object.assign(new Class(message), more);
  if (Class === Error && name !== undefined && name !== 'Error') define(error, 'name', name);
  if (stack !== undefined) define(error, 'stack', stack);
  if (cause) define(error, 'cause', decodeError(cause));
  return error;
}

/** As the language sets `stack` and `cause`: not enumerable. */
function define(error: Error, property: string, value: unknown): void {
  Object.defineProperty(error, property, { value, configurable: true, writable: true });
}
