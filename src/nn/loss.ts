import { OptionError } from '../errors.js';
import type { Loss } from '../graph/request.js';
import { crossEntropy } from '../ops/cross_entropy.js';
import type { LossOp, Reduction } from '../ops/loss.js';
import { binaryCrossEntropy, squaredError } from '../ops/value_loss.js';
import { checkOptions, integerBetween, nonNegativeNumber, numberBetween, oneOf, show } from '../options.js';

export type { Loss, Reduction };

/** What every loss may be told. */
export interface LossOptions {
  /** What becomes of the images' losses; default `mean`. */
  reduction?: Reduction;
}

/** What `new NLLLoss(...)` may be told. */
export interface NLLLossOptions extends LossOptions {
  /** What an image of each class counts, one number a class; a mean is divided by their sum. Default: all the same. */
  weight?: ArrayLike<number> | null;
  /** The label of images that do not count: neither in the loss, nor in a mean, nor as right. Default -100. */
  ignoreIndex?: number;
}

/** What `new CrossEntropyLoss(...)` may be told. */
export interface CrossEntropyLossOptions extends NLLLossOptions {
  /** The part, 0 to 1, of the target that is spread over all classes; default 0. */
  labelSmoothing?: number;
}

/** What `new BCEWithLogitsLoss(...)` may be told. */
export interface BCEWithLogitsLossOptions extends LossOptions {
  /** What a positive answer counts: one number, or one a channel or score. Default 1. */
  posWeight?: number | ArrayLike<number> | null;
}

function reductionOf(where: string, { reduction = 'mean' }: LossOptions): Reduction {
  return oneOf(where, 'reduction', reduction, ['mean', 'sum']);
}

/** As an array of its own, which a message can carry. */
function weightsOf(where: string, name: string, given: ArrayLike<number> | null | undefined) {
  if (given == null) return null;
  if (typeof given !== 'object' || !(given.length > 0)) {
    throw new OptionError(`[${where}] ${name} must be an array of numbers but is ${show(given)}`);
  }
  return Array.from(given, (one, index) => nonNegativeNumber(where, `${name}[${index}]`, one));
}

/** What both losses of labels have; not exported. */
abstract class LabelLoss implements Loss {
  /** @internal */
  readonly op: LossOp;
  /** `mean` or `sum` over the batch. */
  readonly reduction: Reduction;
  /** What an image of each class counts; null: all the same. */
  readonly weight: readonly number[] | null;
  /** The label of images that do not count. */
  readonly ignoreIndex: number;

  constructor(where: string, options: NLLLossOptions, labelSmoothing: number, normalised: boolean) {
    this.reduction = reductionOf(where, options);
    this.weight = weightsOf(where, 'weight', options.weight);
    this.ignoreIndex = integerBetween(
      where,
      'ignoreIndex',
      options.ignoreIndex ?? -100,
      -(2 ** 31),
      2 ** 31 - 1,
    );
    const { weight, ignoreIndex } = this;
    this.op = crossEntropy({ weight, ignoreIndex, labelSmoothing, normalised });
  }
}

/**
 * torch.nn.CrossEntropyLoss on integer labels: -log softmax(scores)[label], averaged or summed over the batch. The
 * model ends in one score a class, without softmax. A batch in which no image counts has no mean: NaN.
 */
export class CrossEntropyLoss extends LabelLoss {
  /** The part of the target that is spread over all classes. */
  readonly labelSmoothing: number;

  /** Throws `OptionError` for values that cannot be used and unknown options. */
  constructor(options?: CrossEntropyLossOptions) {
    const where = 'CrossEntropyLoss';
    const known = ['reduction', 'weight', 'labelSmoothing', 'ignoreIndex'] as const;
    const checked = checkOptions(where, options, known);
    const smoothing = numberBetween(where, 'labelSmoothing', checked.labelSmoothing ?? 0, 0, 1);
    super(where, checked, smoothing, false);
    this.labelSmoothing = smoothing;
  }

  /** What makes another one like it: `new CrossEntropyLoss(loss.options)`. */
  get options(): Required<CrossEntropyLossOptions> {
    const { reduction, weight, labelSmoothing, ignoreIndex } = this;
    return { reduction, weight: weight && [...weight], labelSmoothing, ignoreIndex };
  }
}

/** torch.nn.NLLLoss: the same of a model that ends in `LogSoftmax`: -output[label]. */
export class NLLLoss extends LabelLoss {
  /** Throws `OptionError` for values that cannot be used and unknown options. */
  constructor(options?: NLLLossOptions) {
    const where = 'NLLLoss';
    super(where, checkOptions(where, options, ['reduction', 'weight', 'ignoreIndex']), 0, true);
  }

  /** What makes another one like it: `new NLLLoss(loss.options)`. */
  get options(): Required<NLLLossOptions> {
    const { reduction, weight, ignoreIndex } = this;
    return { reduction, weight: weight && [...weight], ignoreIndex };
  }
}

/**
 * torch.nn.MSELoss: (output - target)^2, averaged over all values of the batch, or summed. Targets are floats of the
 * output's shape, NCHW, whatever that is: numbers, or images.
 */
export class MSELoss implements Loss {
  /** @internal */
  readonly op: LossOp = squaredError();
  /** `mean` or `sum` over the values of the batch. */
  readonly reduction: Reduction;

  /** Throws `OptionError` for another reduction and unknown options. */
  constructor(options?: LossOptions) {
    this.reduction = reductionOf('MSELoss', checkOptions('MSELoss', options, ['reduction']));
  }

  /** What makes another one like it: `new MSELoss(loss.options)`. */
  get options(): Required<LossOptions> {
    return { reduction: this.reduction };
  }
}

/**
 * torch.nn.BCEWithLogitsLoss: binary cross-entropy of sigmoid(output), for answers that do not exclude one another.
 * Targets are floats from 0 to 1, of the output's shape. The model ends in scores, without sigmoid.
 */
export class BCEWithLogitsLoss implements Loss {
  /** @internal */
  readonly op: LossOp;
  /** `mean` or `sum` over the values of the batch. */
  readonly reduction: Reduction;
  /** What a positive answer counts; null: as much as a negative one. */
  readonly posWeight: readonly number[] | null;

  /** Throws `OptionError` for values that cannot be used and unknown options. */
  constructor(options?: BCEWithLogitsLossOptions) {
    const where = 'BCEWithLogitsLoss';
    const checked = checkOptions(where, options, ['reduction', 'posWeight']);
    const { posWeight } = checked;
    this.reduction = reductionOf(where, checked);
    this.posWeight = weightsOf(where, 'posWeight', typeof posWeight === 'number' ? [posWeight] : posWeight);
    this.op = binaryCrossEntropy(this.posWeight);
  }

  /** What makes another one like it: `new BCEWithLogitsLoss(loss.options)`. */
  get options(): Required<BCEWithLogitsLossOptions> {
    const { reduction, posWeight } = this;
    return { reduction, posWeight: posWeight && [...posWeight] };
  }
}
