import { OptionError } from '../errors.js';
import { boolean, nonNegativeNumber, show } from '../options.js';
import { Optimizer, type ParameterGroupOptions, type UpdateRule } from './optimizer.js';

/** What `new Adam(...)` and `new AdamW(...)` may be told, and each of their groups. */
export interface AdamSettings {
  /** Learning rate; default 0.001. */
  lr: number;
  /** How much of the running means of the gradient and of its square is kept each step; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root that the step is divided by; default 1e-8. */
  eps: number;
  /** `Adam`: an L2 penalty, default 0. `AdamW`: taken off the weight itself, times lr, default 0.01. */
  weightDecay: number;
  /** Divides by the largest mean square so far; default false. */
  amsgrad: boolean;
}

/** What `new Adam(...)` and `new AdamW(...)` may be told. */
export interface AdamOptions extends Partial<AdamSettings> {
  /** Parameters with numbers of their own: `[{ parameters: /bias$/, weightDecay: 0 }]`. */
  groups?: readonly ParameterGroupOptions<AdamSettings>[];
}

function rule(name: string, decoupled: boolean): UpdateRule<AdamSettings> {
  return {
    name,
    defaults: {
      lr: 0.001,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: decoupled ? 0.01 : 0,
      amsgrad: false,
    },
    kernel: 'adam_update',
    check(where, { lr, betas, eps, weightDecay, amsgrad }) {
      nonNegativeNumber(where, 'lr', lr);
      const fraction = (beta: unknown) => typeof beta === 'number' && beta >= 0 && beta < 1;
      if (!Array.isArray(betas) || betas.length !== 2 || !betas.every(fraction)) {
        throw new OptionError(
          `[${where}] betas must be two numbers, from 0 to less than 1, but is ${show(betas)}`,
        );
      }
      nonNegativeNumber(where, 'eps', eps);
      nonNegativeNumber(where, 'weightDecay', weightDecay);
      boolean(where, 'amsgrad', amsgrad);
    },
    states: ({ amsgrad }) => ['exp_avg', 'exp_avg_sq', ...(amsgrad ? ['max_exp_avg_sq'] : [])],
    numbers({ lr, betas: [beta1, beta2], eps, weightDecay }, step) {
      const t = step + 1;
      const root = 1 / Math.sqrt(1 - beta2 ** t);
      const penalty = decoupled ? 0 : weightDecay;
      const decay = decoupled ? lr * weightDecay : 0;
      return [lr / (1 - beta1 ** t), beta1, 1 - beta1, beta2, 1 - beta2, root, eps, penalty, decay];
    },
    momentum: ({ betas }) => betas[0],
    withMomentum: (settings, beta1) => ({ ...settings, betas: [beta1, settings.betas[1]] }),
  };
}

const ADAM = rule('Adam', false);
const ADAMW = rule('AdamW', true);

/**
 * torch.optim.Adam: steps of lr m / (sqrt(v) + eps), with m and v running means of the gradient and of its square,
 * corrected for their start at zero. `lr` may be changed between steps.
 */
export class Adam extends Optimizer<AdamSettings> {
  /** Throws `OptionError` for numbers out of range and unknown options. */
  constructor(options?: AdamOptions) {
    super(ADAM, options);
  }
}

/** torch.optim.AdamW: Adam whose weight decay is no part of the gradient: p -= lr weightDecay p before the step. */
export class AdamW extends Optimizer<AdamSettings> {
  /** Throws `OptionError` for numbers out of range and unknown options. */
  constructor(options?: AdamOptions) {
    super(ADAMW, options);
  }
}
