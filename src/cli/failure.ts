import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { OptionError, TwillError } from '../errors.js';
import { failureReason } from '../io/file.node.js';
import { Exit, type Io, say } from './io.js';

/** Exit codes: 0 done, 1 failed, 2 asked for wrongly, 128 + n ended by signal n. */
const FAILED = 1;
const USAGE = 2;

/** Says what went wrong in one sentence, with `debug` where and because of what as well; returns the exit code. */
export function report(error: unknown, io: Io, debug: boolean): number {
  if (error instanceof Exit) return error.code;
  // Commander has already written its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  say(io.stderr, `twill: ${describe(error)}`);
  if (debug) say(io.stderr, inspect(error));
  return error instanceof OptionError ? USAGE : FAILED;
}

/** One sentence about an error; a mistake in Twill itself is named as such. */
export function describe(error: unknown): string {
  if (error instanceof TwillError) return error.message;
  if (!(error instanceof Error)) return `failed with ${String(error)}`;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined)
    return path === undefined ? failureReason(error) : `${path}: ${failureReason(error)}`;
  return `internal error: ${error.message} (--debug shows where)`;
}

/** Commander's message as one sentence of ours: `error: x is invalid. Why.` -> `twill: x is invalid: why`. */
export function usageMessage(text: string): string {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\((Did you mean .*)\)$/s, (_, hint: string) => `, ${hint[0]!.toLowerCase()}${hint.slice(1)}`)
    .replace(/ is invalid\. (\w)/, (_, first: string) => ` is invalid: ${first.toLowerCase()}`)
    .replace(/\. Expected /, ': expected ')
    .replace(/\.$/, '');
  return `twill: ${sentence}\n`;
}
