import { OptionError } from '../errors.js';
import type { UpdateEmitter } from '../graph/lower.js';
import { boolean, checkOptions, finiteNumber, nonNegativeNumber } from '../options.js';
import { HYPER, type Optimizer } from './optimizer.js';

/** What `new SGD(...)` may be told. */
export interface SGDOptions {
  /** Learning rate; default 0.001, as in PyTorch. */
  lr?: number;
  /** Default 0. */
  momentum?: number;
  /** Default 0. */
  dampening?: number;
  /** L2 penalty; default 0. */
  weightDecay?: number;
  /** Default false; needs a momentum and no dampening. */
  nesterov?: boolean;
}

/**
 * torch.optim.SGD. With g the gradient plus weightDecay times the parameter:
 * v = momentum v + (1 - dampening) g (v = g in the first step), then p -= lr v; with Nesterov p -= lr (g + momentum v).
 * `lr` may be changed between steps.
 */
export class SGD implements Optimizer {
  #lr: number;
  /** Of the velocity; 0 keeps none. */
  readonly momentum: number;
  /** Taken from the gradient that enters the velocity. */
  readonly dampening: number;
  /** Times the parameter, added to its gradient. */
  readonly weightDecay: number;
  /** Whether the gradient is taken a velocity ahead. */
  readonly nesterov: boolean;

  /** Throws `OptionError` for negative or infinite numbers and unknown options. */
  constructor(options?: SGDOptions) {
    const where = 'SGD';
    const known = ['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov'] as const;
    const {
      lr = 0.001,
      momentum = 0,
      dampening = 0,
      weightDecay = 0,
      nesterov = false,
    } = checkOptions(where, options, known);
    this.#lr = nonNegativeNumber(where, 'lr', lr);
    this.momentum = nonNegativeNumber(where, 'momentum', momentum);
    this.dampening = finiteNumber(where, 'dampening', dampening);
    this.weightDecay = nonNegativeNumber(where, 'weightDecay', weightDecay);
    this.nesterov = boolean(where, 'nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `[SGD] nesterov needs a momentum and no dampening but they are ${momentum} and ${dampening}`,
      );
    }
  }

  /** Learning rate; throws `OptionError` where it is set to a negative or infinite number. */
  get lr(): number {
    return this.#lr;
  }

  set lr(lr: number) {
    this.#lr = nonNegativeNumber('SGD', 'lr', lr);
  }

  /** What makes another one like it: `new SGD(sgd.options)`. */
  get options(): Required<SGDOptions> {
    const { lr, momentum, dampening, weightDecay, nesterov } = this;
    return { lr, momentum, dampening, weightDecay, nesterov };
  }

  /** @internal */
  emit(update: UpdateEmitter): (step: number) => Float32Array {
    update.call(
      'sgd_update',
      { count: update.count },
      {
        parameter: update.parameters,
        gradient: update.gradients,
        velocity: this.momentum === 0 ? undefined : update.state('velocity', update.count),
        hyper: update.state(HYPER, 6),
        losses: update.losses,
      },
    );
    const { momentum, dampening, weightDecay, nesterov } = this;
    return (step) =>
      Float32Array.of(this.#lr, momentum, dampening, weightDecay, nesterov ? 1 : 0, step === 0 ? 1 : 0);
  }
}
