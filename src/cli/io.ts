/** What a command needs of the process it runs in; tests pass their own. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: Signals;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type SignalName = 'SIGINT' | 'SIGTERM';

export interface Signals {
  once(name: SignalName, listener: () => void): unknown;
  removeListener(name: SignalName, listener: () => void): unknown;
}

/** Ends a command with an exit code and nothing more to say. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** Writes a line. */
export function say(output: Output, line = ''): void {
  output.write(`${line}\n`);
}

type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly blue: Paint;
  readonly green: Paint;
}

/** Colours for a terminal, none elsewhere, none where NO_COLOR is set (to anything) or TERM is `dumb`. */
export function styleFor(output: Output, env: Io['env']): Style {
  const colored = output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint =
    (on: number, off: number): Paint =>
    (text) =>
      colored ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    blue: paint(34, 39),
    green: paint(32, 39),
  };
}

/** 28123.4 -> `28,123`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 0.88812 -> `88.81 %`. */
export function percent(fraction: number): string {
  return Number.isNaN(fraction) ? 'unknown' : `${(fraction * 100).toFixed(2)} %`;
}

export { duration } from '../report/format.js';
