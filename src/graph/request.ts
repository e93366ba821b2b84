import type { Backend } from '../backend/backend.js';
import type { LossOp, Reduction } from '../ops/loss.js';
import type { Buffer } from '../ops/op.js';
import type { ParameterBlock } from './placement.js';
import type { Probe } from './probes.js';
import type { Program } from './program.js';
import type { UpdateRequest } from './update.js';

/** A loss with what becomes of it over the batch. */
export interface Loss {
  /** @internal */
  readonly op: LossOp;
  /** What becomes of the losses of the images. */
  readonly reduction: Reduction;
}

/** What a program shall do with a graph. */
export interface Request {
  readonly backend: Backend;
  /** Images that a run takes at most. */
  readonly capacity: number;
  /** Images as bytes 0..255, scaled to 0..1 on the way in, or as floats. */
  readonly input: 'uint8' | 'float32';
  /** Ends the graph in a loss: losses come out, and hits where it compares with labels. */
  readonly loss?: Loss;
  /** Gradients come out: of the loss, or of `gradOutput` that goes in where there is no loss. */
  readonly gradients?: 'parameters' | 'parameters and inputs';
  /** What changes the parameters. */
  readonly update?: UpdateRequest;
  /** False leaves the output inside; else it can be read, in PyTorch's order. Default true. */
  readonly output?: boolean;
  /** Whether the model learns (batch statistics, dropout) or is applied. Default: where there are gradients. */
  readonly training?: boolean;
  /** Fuse convolution, normalisation, ReLU and max-pool. Default true. */
  readonly fusion?: boolean;
  /** Keeps every tensor and gradient, to be read after a run. Default false. */
  readonly inspect?: boolean;
}

/** A program with the buffers through which it is fed and read. */
export interface LoweredProgram {
  readonly program: Program;
  /** The first of `inputs`: a model's only one. */
  readonly images: Buffer;
  readonly inputs: readonly Buffer[];
  readonly output: Buffer | undefined;
  /** Labels, int32, or floats in PyTorch's order: what the loss compares with. */
  readonly targets: Buffer | undefined;
  readonly losses: Buffer | undefined;
  /** What a mean of the losses divides by; undefined where it is the number of images. */
  readonly total: Buffer | undefined;
  readonly hits: Buffer | undefined;
  readonly gradOutput: Buffer | undefined;
  /** `RANDOM_WORDS` words (lower.ts), to be drawn for each run; undefined where nothing is random. */
  readonly random: Buffer | undefined;
  /** One an input, where they were asked for. */
  readonly gradInputs: readonly Buffer[];
  /** Gradients of the trainable parameters, side by side in the packed order of `block`. */
  readonly gradients: Buffer | undefined;
  /** Their L2 norm, where `update` asked for it. */
  readonly norm: Buffer | undefined;
  readonly block: ParameterBlock | undefined;
  /** What `inspect` keeps, in the order in which it is computed; gradients of parameters are in `gradients`. */
  readonly probes: readonly Probe[];
  /** Where a step needs several images: how many at least, and what needs them. */
  readonly needs: { readonly batch: number; readonly where: string } | undefined;
  /** False once a parameter was moved by another program: this one would read stale weights. */
  current(): boolean;
}
