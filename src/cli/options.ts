import { InvalidArgumentError, Option } from 'commander';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function parse(text: string): number {
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

/** Parses a whole number from `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = parse(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`it must be a whole number ${range}`);
  };
}

/** Parses a finite number of at least 0 and, where `below` is given, less than that. */
export function nonNegative(below = Number.POSITIVE_INFINITY) {
  return (text: string): number => {
    const value = parse(text);
    if (Number.isFinite(value) && value >= 0 && value < below) return value;
    const range = below === Number.POSITIVE_INFINITY ? 'of at least 0' : `from 0 to less than ${below}`;
    throw new InvalidArgumentError(`it must be a number ${range}`);
  };
}

/** Parses text that must not be empty, such as a path. */
export function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('it must not be empty');
  return text;
}

/** What `--backend` and `--threads` come to. */
export interface BackendOptions {
  readonly backend?: 'auto' | 'native' | 'wasm';
  readonly threads?: number;
}

export function backendOption(): Option {
  return new Option(
    '--backend <name>',
    'compute with the native addon, with WebAssembly, or the best there is (default: TWILL_BACKEND, else auto)',
  ).choices(['auto', 'native', 'wasm']);
}

export function threadsOption(): Option {
  return new Option(
    '--threads <n>',
    'threads to compute with (default: OMP_NUM_THREADS, else the processors that it may use)',
  ).argParser(wholeNumber(1, 1024));
}

export function dataOption(): Option {
  return new Option(
    '--data <dir>',
    'directory with the four .gz files of Fashion-MNIST (default: found, or downloaded)',
  ).argParser(nonEmpty);
}

export function modelOption(): Option {
  return new Option(
    '--model <file>',
    'weights in safetensors format, as `twill train` writes them, or a network as an ONNX file',
  )
    .argParser(nonEmpty)
    .makeOptionMandatory();
}

export function jsonOption(what: string): Option {
  return new Option('--json', what);
}
