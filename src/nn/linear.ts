import type { SymbolicTensor } from '../graph/graph.js';
import type { Parameter } from '../graph/parameter.js';
import { linear } from '../ops/linear.js';
import { boolean, checkOptions, positiveInteger } from '../options.js';
import type { Generator } from '../random.js';
import { uniformFanIn } from './init.js';
import { Module } from './module.js';

/** What `new Linear(...)` may be told. */
export interface LinearOptions {
  /** Default true. */
  bias?: boolean;
  /** Where the first weights come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * torch.nn.Linear: x W^T + b, [inFeatures] to [outFeatures]. `weight` is [outFeatures, inFeatures], `bias`
 * [outFeatures].
 */
export class Linear extends Module {
  /** [outFeatures, inFeatures]. */
  readonly weight: Parameter;
  /** [outFeatures]; null where `bias` is false. */
  readonly bias: Parameter | null;

  /** Throws `OptionError` for sizes that are not whole and positive, and unknown options. */
  constructor(inFeatures: number, outFeatures: number, options?: LinearOptions) {
    super();
    const where = 'Linear';
    const { bias = true, generator } = checkOptions(where, options, ['bias', 'generator']);
    positiveInteger(where, 'inFeatures', inFeatures);
    positiveInteger(where, 'outFeatures', outFeatures);
    this.weight = uniformFanIn([outFeatures, inFeatures], inFeatures, generator);
    this.bias = boolean(where, 'bias', bias) ? uniformFanIn([outFeatures], inFeatures, generator) : null;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(linear, [x], { weight: this.weight, bias: this.bias }, {}, this);
  }
}
