import { boolean, nonNegativeNumber, numberBetween } from '../options.js';
import { Optimizer, type ParameterGroupOptions, type UpdateRule } from './optimizer.js';

/** What `new RMSprop(...)` may be told, and each of its groups. */
export interface RMSpropSettings {
  /** Learning rate; default 0.01. */
  lr: number;
  /** How much of the running mean of the squared gradient is kept each step; default 0.99. */
  alpha: number;
  /** Added to the root that the gradient is divided by; default 1e-8. */
  eps: number;
  /** L2 penalty; default 0. */
  weightDecay: number;
  /** Default 0. */
  momentum: number;
  /** Divides by the running deviation instead of the root of the mean square; default false. */
  centered: boolean;
}

/** What `new RMSprop(...)` may be told. */
export interface RMSpropOptions extends Partial<RMSpropSettings> {
  /** Parameters with numbers of their own: `[{ parameters: 'fc', lr: 0.1 }]`. */
  groups?: readonly ParameterGroupOptions<RMSpropSettings>[];
}

const RULE: UpdateRule<RMSpropSettings> = {
  name: 'RMSprop',
  defaults: { lr: 0.01, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false },
  kernel: 'rmsprop_update',
  check(where, { lr, alpha, eps, weightDecay, momentum, centered }) {
    nonNegativeNumber(where, 'lr', lr);
    numberBetween(where, 'alpha', alpha, 0, 1);
    nonNegativeNumber(where, 'eps', eps);
    nonNegativeNumber(where, 'weightDecay', weightDecay);
    nonNegativeNumber(where, 'momentum', momentum);
    boolean(where, 'centered', centered);
  },
  states: ({ momentum, centered }, moves) => [
    'square_avg',
    ...(centered ? ['grad_avg'] : []),
    ...(momentum === 0 && !moves ? [] : ['momentum_buffer']),
  ],
  numbers: ({ lr, alpha, eps, weightDecay, momentum }) => [lr, alpha, 1 - alpha, eps, weightDecay, momentum],
  momentum: ({ momentum }) => momentum,
  withMomentum: (settings, momentum) => ({ ...settings, momentum }),
};

/**
 * torch.optim.RMSprop: steps of lr g / (sqrt(v) + eps), with v a running mean of the squared gradient. `lr` may be
 * changed between steps.
 */
export class RMSprop extends Optimizer<RMSpropSettings> {
  /** Throws `OptionError` for negative or infinite numbers and unknown options. */
  constructor(options?: RMSpropOptions) {
    super(RULE, options);
  }
}
