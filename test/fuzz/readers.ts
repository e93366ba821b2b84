import { readFileSync } from 'node:fs';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import { decodeIdx } from '../../src/data/idx.js';
import { decodeImage } from '../../src/data/image-file.node.js';
import { fit, fromBytes, SGD, toBytes, Trainer } from '../../src/index.node.js';
import { parseSafetensors, serialiseSafetensors } from '../../src/io/safetensors.js';
import { exportOnnx, importOnnx } from '../../src/onnx/index.js';
import { parseHistory } from '../../src/report/history.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint.js';
import { CASES, drawn } from '../onnx/models.js';
import { bars, classifier } from '../support.js';

/** One that reads what strangers may have written. */
export interface Reader {
  readonly name: string;
  /** Files that it takes. */
  readonly seeds: readonly Uint8Array[];
  /** Reads a file; throws a `TwillError` where it cannot. */
  readonly read: (bytes: Uint8Array) => unknown;
  /** What goes around the bytes that are changed, so that changes reach what lies inside. */
  readonly wrap?: (bytes: Uint8Array) => Uint8Array;
}

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function idx(type: number, shape: readonly number[], elementBytes: number): Uint8Array {
  const elements = shape.reduce((product, size) => product * size, elementBytes);
  const bytes = new Uint8Array(4 + 4 * shape.length + elements);
  bytes.set([0, 0, type, shape.length]);
  shape.forEach((size, at) => new DataView(bytes.buffer).setUint32(4 + 4 * at, size));
  return bytes;
}

const IDX = [
  idx(8, [3, 2, 2], 1),
  idx(8, [5], 1),
  idx(11, [2, 3], 2),
  idx(13, [2, 2], 4),
  idx(14, [0, 7], 8),
];

const pixels = (length: number, most: number) => Array.from({ length }, (_, at) => (at * 7919) % most);
const PNG = [
  encode({ width: 5, height: 4, channels: 1, data: Uint8Array.from(pixels(20, 256)) }),
  encode({ width: 3, height: 4, channels: 4, data: Uint8Array.from(pixels(48, 256)) }),
  encode({ width: 3, height: 3, channels: 3, depth: 16, data: Uint16Array.from(pixels(27, 65536)) }),
  fixture('photo.png'),
];

/** The chunks of a PNG file with their checksums made right: else hardly a change gets past them. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  for (let at = 8; at + 12 <= changed.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > changed.length) break;
    view.setUint32(end, crc32(changed.subarray(at + 4, end)));
    at = end + 4;
  }
  return changed;
}

/** Rows of an image, to be packed: what is changed is what unpacks. */
function packedPng(raw: Uint8Array): Uint8Array {
  const [image] = PNG as [Uint8Array];
  const packed = deflateSync(raw.subarray(1));
  const chunk = new Uint8Array(12 + packed.length);
  new DataView(chunk.buffer).setUint32(0, packed.length);
  chunk.set(new TextEncoder().encode('IDAT'), 4);
  chunk.set(packed, 8);
  const header = image.slice(0, 33);
  header[25] = [0, 2, 3, 4, 6][raw[0]! % 5]!;
  header[28] = raw[0]! >> 7; // interlaced
  return withChecksums(Buffer.concat([header, chunk, image.subarray(-12)]));
}

const net = classifier(1, { stateful: true });
const OTHER = new Uint8Array(toBytes(net));
const KEY = 'twill.checkpoint';

/** A trainer that has taken a step, and its checkpoint. */
const trainer = new Trainer(classifier(2), { inputShape: [1, 8, 8], optimizer: new SGD({ momentum: 0.9 }) });
const { images, labels } = bars(4);
trainer.stepSync(images, labels);
const CHECKPOINT = trainer.checkpoint();
const record = parseSafetensors(CHECKPOINT).metadata.get(KEY)!;

/** Restores a trainer, or leaves it as it was. */
function restore(bytes: Uint8Array): void {
  const before = { weights: toBytes(trainer.model), steps: trainer.steps, lrs: [...trainer.optimizer.lrs] };
  try {
    trainer.restore(bytes);
  } catch (error) {
    const after = { weights: toBytes(trainer.model), steps: trainer.steps, lrs: [...trainer.optimizer.lrs] };
    if (JSON.stringify(before.lrs) !== JSON.stringify(after.lrs) || before.steps !== after.steps) {
      throw new Error('a refused checkpoint has changed the trainer', { cause: error });
    }
    if (Buffer.compare(before.weights, after.weights) !== 0) {
      throw new Error('a refused checkpoint has changed the model', { cause: error });
    }
    throw error;
  } finally {
    trainer.restore(CHECKPOINT);
  }
}

/** Two epochs of two steps, from a checkpoint where there is one. */
const training = (options: { resume?: Uint8Array; to?: (bytes: Uint8Array<ArrayBuffer>) => void }) => {
  const { resume, to = () => {} } = options;
  const optimizer = new SGD({ momentum: 0.9 });
  const checkpoint = { to, every: 3 };
  const settings = { epochs: 2, batchSize: 2, shuffle: true, optimizer, checkpoint };
  return fit(classifier(2), bars(4), { ...settings, ...(resume && { resume }) }).finish();
};
const TRAININGS: Uint8Array[] = [];
await training({ to: (bytes) => void TRAININGS.push(bytes) });
const trainingRecord = parseSafetensors(TRAININGS[0]!).metadata.get(KEY)!;

/** A checkpoint with another record. */
const withRecord = (checkpoint: Uint8Array, text: Uint8Array) =>
  serialiseSafetensors(parseSafetensors(checkpoint).tensors, [[KEY, new TextDecoder().decode(text)]]);

export const READERS: readonly Reader[] = [
  { name: 'IDX', seeds: IDX, read: (bytes) => decodeIdx(bytes, 'a file') },
  {
    name: 'gzip',
    seeds: IDX.map((bytes) => new Uint8Array(gzipSync(bytes))),
    read: (bytes) => decodeIdx(bytes, 'a file'),
  },
  {
    name: 'IDX within gzip',
    seeds: IDX,
    wrap: (bytes) => new Uint8Array(gzipSync(bytes)),
    read: (bytes) => decodeIdx(bytes, 'a file'),
  },
  {
    name: 'safetensors',
    seeds: [fixture('reference.safetensors'), OTHER],
    read: (bytes) => {
      parseSafetensors(bytes, 'a file');
      fromBytes(net, bytes, 'a file');
    },
  },
  {
    name: "safetensors' header",
    seeds: [fixture('reference.safetensors'), OTHER].map(headerOf),
    wrap: withHeader,
    read: (bytes) => {
      parseSafetensors(bytes, 'a file');
      fromBytes(net, bytes, 'a file');
    },
  },
  {
    name: 'ONNX',
    seeds: CASES.map((one) => new Uint8Array(exportOnnx(drawn(one), { inputShape: one.shape }))).filter(
      ({ length }) => length < 2 ** 16,
    ),
    read: (bytes) => importOnnx(bytes),
  },
  { name: 'PNG', seeds: PNG, wrap: withChecksums, read: (bytes) => decodeImage(bytes, 'a file') },
  {
    name: "PNG's rows",
    seeds: [
      new Uint8Array(25),
      new Uint8Array(100).fill(1),
      Uint8Array.from({ length: 60 }, (_, at) => at % 6),
    ],
    wrap: packedPng,
    read: (bytes) => decodeImage(bytes, 'a file'),
  },
  { name: 'JPEG', seeds: [fixture('photo.jpg')], read: (bytes) => decodeImage(bytes, 'a file') },
  {
    name: 'a checkpoint',
    seeds: [CHECKPOINT, encodeCheckpoint(trainer.snapshot())],
    read: (bytes) => {
      decodeCheckpoint(bytes, 'a file');
      restore(bytes);
    },
  },
  {
    name: "a checkpoint's record",
    seeds: [new TextEncoder().encode(record)],
    wrap: (bytes) => withRecord(CHECKPOINT, bytes),
    read: restore,
  },
  { name: "a training's checkpoint", seeds: TRAININGS, read: (resume) => training({ resume }) },
  {
    name: "a training's record",
    seeds: [new TextEncoder().encode(trainingRecord)],
    wrap: (bytes) => withRecord(TRAININGS[0]!, bytes),
    read: (resume) => training({ resume }),
  },
  {
    name: 'a history',
    seeds: [
      text({
        info: { backend: 'native', isa: 'avx2', threads: 2, fallbacks: [] },
        run: { seed: 1, recipe: 'article' },
        epochs: [{ epoch: 1, cost: 0.5, accuracy: 0.8, seconds: 2, evalSeconds: 0.1 }],
      }),
    ],
    read: (bytes) => parseHistory(new TextDecoder().decode(bytes), 'a file'),
  },
];

function headerOf(bytes: Uint8Array): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return bytes.slice(8, 8 + length);
}

/** A header with its length before it, and data for it. */
function withHeader(header: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + OTHER.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}
