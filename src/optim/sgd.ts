import { OptionError } from '../errors.js';
import { boolean, finiteNumber, nonNegativeNumber } from '../options.js';
import { Optimizer, type ParameterGroupOptions, type UpdateRule } from './optimizer.js';

/** What `new SGD(...)` may be told, and each of its groups. */
export interface SGDSettings {
  /** Learning rate; default 0.001, as in PyTorch. */
  lr: number;
  /** Default 0. */
  momentum: number;
  /** Default 0. */
  dampening: number;
  /** L2 penalty; default 0. */
  weightDecay: number;
  /** Default false; needs a momentum and no dampening. */
  nesterov: boolean;
}

/** What `new SGD(...)` may be told. */
export interface SGDOptions extends Partial<SGDSettings> {
  /** Parameters with numbers of their own: `[{ parameters: 'fc', lr: 0.1 }]`. */
  groups?: readonly ParameterGroupOptions<SGDSettings>[];
}

const RULE: UpdateRule<SGDSettings> = {
  name: 'SGD',
  defaults: { lr: 0.001, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
  kernel: 'sgd_update',
  check(where, { lr, momentum, dampening, weightDecay, nesterov }) {
    nonNegativeNumber(where, 'lr', lr);
    nonNegativeNumber(where, 'momentum', momentum);
    finiteNumber(where, 'dampening', dampening);
    nonNegativeNumber(where, 'weightDecay', weightDecay);
    boolean(where, 'nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `[${where}] nesterov needs a momentum and no dampening but they are ${momentum} and ${dampening}`,
      );
    }
  },
  states: ({ momentum }, moves) => (momentum === 0 && !moves ? [] : ['velocity']),
  numbers: ({ lr, momentum, dampening, weightDecay, nesterov }, step) => [
    lr,
    momentum,
    1 - dampening,
    weightDecay,
    nesterov ? 1 : 0,
    step === 0 ? 1 : 0,
  ],
  momentum: ({ momentum }) => momentum,
  withMomentum: (settings, momentum) => ({ ...settings, momentum }),
};

/**
 * torch.optim.SGD. With g the gradient plus weightDecay times the parameter:
 * v = momentum v + (1 - dampening) g (v = g in the first step), then p -= lr v; with Nesterov p -= lr (g + momentum v).
 * `lr` may be changed between steps.
 */
export class SGD extends Optimizer<SGDSettings> {
  /** Throws `OptionError` for negative or infinite numbers and unknown options. */
  constructor(options?: SGDOptions) {
    super(RULE, options);
  }

  /** Of the velocity; 0 keeps none. */
  get momentum(): number {
    return this.settings.momentum;
  }

  /** Taken from the gradient that enters the velocity. */
  get dampening(): number {
    return this.settings.dampening;
  }

  /** Times the parameter, added to its gradient. */
  get weightDecay(): number {
    return this.settings.weightDecay;
  }

  /** Whether the gradient is taken a velocity ahead. */
  get nesterov(): boolean {
    return this.settings.nesterov;
  }
}
