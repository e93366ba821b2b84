import { encodeMessage, type Schema } from '../io/protobuf.js';
import { crc32c } from './crc32c.js';

// The part of TensorFlow's event.proto and summary.proto that scalars need, with its numbers.

const VALUE: Schema = { 1: { name: 'tag', kind: 'string' }, 2: { name: 'simple_value', kind: 'float' } };
const SUMMARY: Schema = { 1: { name: 'value', kind: VALUE, repeated: true } };
const EVENT: Schema = {
  1: { name: 'wall_time', kind: 'double' },
  2: { name: 'step', kind: 'int64' },
  3: { name: 'file_version', kind: 'string' },
  5: { name: 'summary', kind: SUMMARY },
};

/** What one moment of a run is told about. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** Where in the run it was: an epoch, a batch. */
  readonly step: number;
  /** By tag: `accuracy/validation`, ... */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The record that an event file begins with. */
export function versionRecord(wallTime: number): Uint8Array {
  return record(encodeMessage(EVENT, { wall_time: wallTime, file_version: 'brain.Event:2' }));
}

/** A record of scalars. */
export function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const value = Object.entries(scalars).map(([tag, simple_value]) => ({ tag, simple_value }));
  return record(encodeMessage(EVENT, { wall_time: wallTime, step, summary: { value } }));
}

/** TFRecord: the length in 64 bits, its checksum, the data, their checksum; all little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return bytes;
}

/** TFRecord's checksums are turned and shifted, so that a checksum of data with checksums in it is no trouble. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
