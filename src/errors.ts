/**
 * Every error that Twill throws on purpose extends `TwillError`, holds one sentence with the numbers in it,
 * and is thrown before anything is changed. Names are spelt out: minifiers rename classes.
 */
export class TwillError extends Error {
  /** The class's name: `ShapeError`, `OptionError`, ... */
  override get name(): string {
    return 'TwillError';
  }
}

/** Sizes that do not fit together: `[conv2d] expected 16 input channels (weight 32x16x5x5) but got 3`. */
export class ShapeError extends TwillError {
  override get name(): string {
    return 'ShapeError';
  }
}

/** An option, attribute or argument whose value or type cannot be used, or an unknown one. */
export class OptionError extends TwillError {
  override get name(): string {
    return 'OptionError';
  }
}

/**
 * A file or stream whose content is not what its format promises; the message names the file, and is one line whatever
 * it quotes of that.
 */
export class FormatError extends TwillError {
  constructor(message?: string, options?: ErrorOptions) {
    super(message?.replace(/\p{C}+/gu, ' '), options);
  }

  override get name(): string {
    return 'FormatError';
  }
}

/** Data that cannot be found or read; the message says where it was looked for and how to get it. */
export class DataError extends TwillError {
  override get name(): string {
    return 'DataError';
  }
}

/** A label outside 0..classes-1, or a batch that holds values the model cannot learn from. */
export class LabelError extends TwillError {
  override get name(): string {
    return 'LabelError';
  }
}

/** The backend that was asked for cannot be had; the message gives every reason and the remedy. */
export class BackendUnavailableError extends TwillError {
  override get name(): string {
    return 'BackendUnavailableError';
  }
}

/** A program or a memory request that a backend refused. */
export class BackendError extends TwillError {
  override get name(): string {
    return 'BackendError';
  }
}

/** Memory that a backend cannot get; everything that it holds is as it was. */
export class OutOfMemoryError extends BackendError {
  /** What was asked for. */
  readonly bytes: number;

  constructor(message: string, bytes: number) {
    super(message);
    this.bytes = bytes;
  }

  override get name(): string {
    return 'OutOfMemoryError';
  }
}

/** Where in a step the first number was that is not finite: in what went in, or in what was computed of it. */
export type NumericOrigin = 'images' | 'targets' | 'weights' | 'forward' | 'loss' | 'backward' | 'sum';

/**
 * NaN or infinity in a training; the message names the epoch, the batch and the first layer, weight or image that is
 * not finite.
 */
export class NumericError extends TwillError {
  /** `images`, `targets` and `weights` were so before the step; undefined where it is not known. */
  readonly origin: NumericOrigin | undefined;
  /** The layer that gave it, or whose weight it is: `conv2d cnn2`. */
  readonly layer: string | undefined;

  constructor(message: string, from?: { origin?: NumericOrigin | undefined; layer?: string | undefined }) {
    super(message);
    this.origin = from?.origin;
    this.layer = from?.layer;
  }

  override get name(): string {
    return 'NumericError';
  }
}

/** A worker that was closed, terminated or crashed, or never came up: whatever waits for it is rejected with this. */
export class WorkerError extends TwillError {
  override get name(): string {
    return 'WorkerError';
  }
}
