/** What a command needs of the process it runs in; tests pass their own. */
export interface Io {
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

/** Seconds as a person says them: `0.85 s`, `12.9 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
