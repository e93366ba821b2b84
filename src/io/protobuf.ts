import { PbfReader, PbfWriter } from 'pbf';

// Messages as plain objects, by a description of their fields. The library knows the wire format; what a stranger's
// bytes may ask for is bounded here.

/** How a field's value is written; a schema is a message in the message. */
export type Kind = 'int64' | 'float' | 'double' | 'string' | 'bytes' | Schema;

/** A field of a message, as the .proto file has it. */
export interface Field {
  readonly name: string;
  readonly kind: Kind;
  /** The value is an array, empty where the field is absent. */
  readonly repeated?: boolean;
}

/** The fields of a message by their number. Fields that are not in it are skipped when reading. */
export interface Schema {
  readonly [number: number]: Field;
}

type Message = Record<string, unknown>;

/** Wire types: 0 a varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes. */
const WIRE = { int64: 0, double: 1, string: 2, bytes: 2, float: 5 } as const;
const LENGTH_DELIMITED = 2;

/** A real model has some thousands; empty messages take two bytes each in a file, but a hundred in memory. */
const MOST_MESSAGES = 2 ** 18;

/** The bytes of a message; fields that are undefined are left out. */
export function encodeMessage(schema: Schema, value: object): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter();
  writeFields(pbf, schema, value as Message);
  return pbf.finish() as Uint8Array<ArrayBuffer>;
}

function writeFields(pbf: PbfWriter, schema: Schema, value: Message): void {
  for (const [number, { name, kind, repeated }] of Object.entries(schema) as [string, Field][]) {
    const given = value[name];
    if (given === undefined) continue;
    for (const one of repeated ? (given as unknown[]) : [given]) writeField(pbf, Number(number), kind, one);
  }
}

function writeField(pbf: PbfWriter, number: number, kind: Kind, value: unknown): void {
  if (typeof kind === 'object') {
    pbf.writeMessage(
      number,
      (message: Message, inner) => writeFields(inner, kind, message),
      value as Message,
    );
    return;
  }
  pbf.writeTag(number, WIRE[kind]);
  if (kind === 'int64') pbf.writeVarint(value as number);
  else if (kind === 'float') pbf.writeFloat(value as number);
  else if (kind === 'double') pbf.writeDouble(value as number);
  else if (kind === 'string') pbf.writeString(value as string);
  else pbf.writeBytes(value as Uint8Array);
}

/**
 * Reads a message; `bytes` fields are views of `bytes`. Nothing larger than a few times the input is made, and messages
 * nest only as deep as the schema does.
 * @param fail makes the error for what the format does not allow
 */
export function decodeMessage<T>(schema: Schema, bytes: Uint8Array, fail: (reason: string) => Error): T {
  const pbf = new PbfReader(bytes);
  let messages = 0;

  function readFields(inner: Schema, end: number): Message {
    if (++messages > MOST_MESSAGES) throw fail(`it holds more than ${MOST_MESSAGES} messages`);
    const value: Message = {};
    for (const { name, repeated } of Object.values(inner) as Field[]) if (repeated) value[name] = [];
    for (let number = next(end); number !== 0; number = next(end)) {
      const field = inner[number];
      if (field) readField(field, value, end);
      else skip(end);
    }
    return value;
  }

  /** Number of the next field; 0 at the end of the message, which must be there exactly. */
  function next(end: number): number {
    if (pbf.pos >= end) return 0;
    const number = pbf.nextField(end);
    if (number === 0 || !(pbf.pos <= end)) throw fail(`it is damaged at byte ${Math.min(pbf.pos, end)}`);
    return number;
  }

  function readField({ name, kind, repeated }: Field, value: Message, end: number): void {
    const wire = typeof kind === 'object' ? LENGTH_DELIMITED : WIRE[kind];
    const packed = repeated && wire !== LENGTH_DELIMITED && pbf.type === LENGTH_DELIMITED;
    if (pbf.type !== wire && !packed) {
      throw fail(`its field ${name} has wire type ${pbf.type} and not ${wire}`);
    }
    const stop = pbf.type === LENGTH_DELIMITED ? contentEnd(end) : end;
    if (!repeated) value[name] = readValue(kind, stop);
    else if (!packed) (value[name] as unknown[]).push(readValue(kind, stop));
    else while (pbf.pos < stop) (value[name] as unknown[]).push(readValue(kind, stop));
    if (!(pbf.pos <= stop)) throw fail(`its field ${name} ends in the middle of a value`);
  }

  /** Reads a length and says where what it spans ends. */
  function contentEnd(end: number): number {
    const length = pbf.readVarint();
    const stop = pbf.pos + length;
    if (!(length >= 0 && stop <= end)) {
      throw fail(`truncated, a field of ${length} bytes begins at byte ${pbf.pos} of ${end}`);
    }
    return stop;
  }

  /** One value; what has a length has it read already and ends at `stop`. */
  function readValue(kind: Kind, stop: number): unknown {
    if (typeof kind === 'object') return readFields(kind, stop);
    if (kind === 'int64') return pbf.readVarint(true);
    if (kind === 'float') return pbf.readFloat();
    if (kind === 'double') return pbf.readDouble();
    const content = bytes.subarray(pbf.pos, stop);
    pbf.pos = stop;
    // Some runtimes refuse to decode from shared memory: copy.
    return kind === 'bytes' ? content : new TextDecoder().decode(content.slice());
  }

  function skip(end: number): void {
    pbf.skip(pbf.type);
    if (!(pbf.pos <= end)) throw fail(`truncated, a field ends at byte ${pbf.pos} of ${end}`);
  }

  try {
    return readFields(schema, bytes.length) as T;
  } catch (error) {
    // The reader's own: a number that goes on past the end, a varint of more than ten bytes, an unknown wire type.
    if (error instanceof RangeError) throw fail('truncated, it ends in the middle of a number');
    if (error instanceof Error && error.constructor === Error) throw fail(`it is damaged (${error.message})`);
    throw error;
  }
}
