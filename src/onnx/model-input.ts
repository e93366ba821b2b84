import { show } from '../options.js';
import {
  DataType,
  type DimensionProto,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto,
} from './proto.js';

/** What a file's graph takes. */
export interface ModelInput {
  readonly name: string;
  /** Of one image as Twill sees it: [C, H, W], or [features]. */
  readonly shape: readonly number[];
  /** The batch that the file was made for; undefined where it is open. */
  readonly batch: number | undefined;
  readonly channelsLast: boolean;
  /** It takes bytes. */
  readonly unscaled: boolean;
}

/** Finds the one input that is no weight, and how images lie in it. */
export function inputOf(
  graph: GraphProto,
  constants: ReadonlyMap<string, unknown>,
  usesOf: (name: string) => readonly NodeProto[],
  asked: readonly number[] | undefined,
  fail: (reason: string) => Error,
): ModelInput {
  // Old files list the weights among the inputs, too.
  const inputs = graph.input.filter(({ name = '' }) => !constants.has(name));
  if (inputs.length !== 1) {
    const names = inputs.map(({ name }) => show(name)).join(', ');
    throw fail(`it has ${inputs.length} inputs (${names}), but Twill's models have one`);
  }
  const [{ name = '', type }] = inputs as [ValueInfoProto];
  const { elem_type, shape } = type?.tensor_type ?? {};
  if (elem_type !== DataType.float && elem_type !== DataType.uint8) {
    throw fail(`its input ${show(name)} has the data type ${elem_type}, and not float32 or uint8`);
  }
  const dims = shape?.dim ?? [];
  const fileShape = sizesOf(name, dims, asked, fail);
  const lastIsOne = asked ? asked[0] === 1 : fileShape[2] === 1 && fileShape[0] !== 1;
  const channelsLast = fileShape.length === 3 && hasChannelsLast(name, lastIsOne, usesOf);
  const [first, second, third] = fileShape;
  return {
    name,
    shape: channelsLast && asked === undefined ? [third!, first!, second!] : fileShape,
    batch: dims[0]?.dim_value,
    channelsLast,
    unscaled: elem_type === DataType.uint8,
  };
}

function sizesOf(
  name: string,
  dims: readonly DimensionProto[],
  asked: readonly number[] | undefined,
  fail: (reason: string) => Error,
): readonly number[] {
  if (asked !== undefined) return asked;
  if (dims.length !== 2 && dims.length !== 4) {
    throw fail(
      `its input ${show(name)} has ${dims.length} dimensions, and not N x C x H x W or N x features: give inputShape`,
    );
  }
  return dims.slice(1).map(({ dim_value, dim_param }) => {
    if (!Number.isSafeInteger(dim_value) || dim_value! < 1 || dim_value! > MOST) {
      const found = dim_value ?? dim_param ?? 'open';
      throw fail(`its input ${show(name)} has a size that is ${found} and no number: give inputShape`);
    }
    return dim_value!;
  });
}

/** Kernels count in 32 bits. */
const MOST = 2 ** 31 - 1;

/** What may come between the input and the node that tells how images lie: it leaves them where they are. */
const IN_PLACE = new Set(
  (
    'Add Cast Clip Div Dropout Elu Erf HardSigmoid HardSwish Identity LeakyRelu Max Min Mul Neg Pad Pow Relu ' +
    'Sigmoid Sqrt Sub Tanh'
  ).split(' '),
);
/** Nodes to look at before giving up. */
const MOST_NODES = 64;

/** Keras has channels last: then the first that is done with windows, or for features, is to turn them to the front. */
function hasChannelsLast(
  name: string,
  lastIsOne: boolean,
  usesOf: (name: string) => readonly NodeProto[],
): boolean {
  const seen = new Set([name]);
  for (const at of seen) {
    for (const use of usesOf(at)) {
      if (use.op_type === 'Transpose')
        return String(use.attribute.find((one) => one.name === 'perm')?.ints) === '0,3,1,2';
      // With one channel turning is reshaping.
      if (use.op_type === 'Reshape') return lastIsOne;
      const [output] = use.output;
      if (IN_PLACE.has(use.op_type ?? '') && output !== undefined && seen.size < MOST_NODES) seen.add(output);
    }
  }
  return false;
}
