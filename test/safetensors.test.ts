import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, OptionError, ShapeError } from '../src/errors.js';
import {
  parseSafetensors,
  type StoredTensor,
  serialiseSafetensors,
  toFloat32,
} from '../src/io/safetensors.js';

const fixture = (name: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(name, import.meta.url))));
const pytorch = fixture('golden/init.safetensors');
const reference = fixture('fixtures/reference.safetensors');

/** A file with the given header text and number of data bytes. */
function file(header: string | object, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe("PyTorch's file", () => {
  const { tensors, metadata } = parseSafetensors(pytorch, 'init.safetensors');

  it('has its keys in order, its shapes and its values', () => {
    expect([...tensors.keys()]).toEqual([
      'cnn1.weight',
      'cnn1.bias',
      'cnn2.weight',
      'cnn2.bias',
      'fc1.weight',
      'fc1.bias',
    ]);
    expect(metadata).toEqual(new Map([['format', 'pt']]));
    expect(tensors.get('cnn2.weight')!.shape).toEqual([32, 16, 5, 5]);
    for (const [name, { dtype, data }] of tensors) {
      const raw = fixture(`golden/init/${name}.f32`);
      expect(dtype).toBe('F32');
      expect(data).toEqual(new Float32Array(raw.buffer));
    }
  });

  it('comes out again byte for byte', () => {
    expect(Buffer.from(serialiseSafetensors(tensors, metadata)).equals(pytorch)).toBe(true);
  });
});

describe("Python's safetensors", () => {
  const { tensors, metadata } = parseSafetensors(reference, 'reference.safetensors');

  it('gives every element type, scalars and empty tensors', () => {
    expect(metadata.get('made by')).toBe("Python's safetensors");
    expect(metadata.get('unicode')).toBe('ä€😀');
    for (const type of ['float64', 'float32', 'int32', 'int16', 'int8']) {
      expect([...toFloat32(tensors.get(type)!)]).toEqual([1, -2, 100]);
    }
    for (const type of ['uint64', 'uint32', 'uint16', 'uint8']) {
      expect([...toFloat32(tensors.get(type)!)]).toEqual([1, 2, 100]);
    }
    expect(tensors.get('int64')!.data).toEqual(BigInt64Array.of(1n, -2n, 100n));
    expect(tensors.get('scalar')).toEqual({ dtype: 'I64', shape: [], data: BigInt64Array.of(-(2n ** 40n)) });
    expect(tensors.get('empty')).toEqual({ dtype: 'F32', shape: [0, 4], data: new Float32Array(0) });
    expect([...toFloat32(tensors.get('half')!)]).toEqual([
      0.5,
      -2,
      65504,
      2 ** -24,
      Number.POSITIVE_INFINITY,
      -0,
    ]);
    expect([...toFloat32(tensors.get('brain')!)]).toEqual([1.5, -123.5]);
    expect([...toFloat32(tensors.get('bool')!)]).toEqual([1, 0, 1]);
  });

  it('keeps a not-a-number one', () => {
    const nan = { dtype: 'F16', shape: [1], data: Uint16Array.of(0x7e00) } as const;
    expect(toFloat32(nan)[0]).toBeNaN();
  });
});

describe('serialiseSafetensors', () => {
  const tensor = (shape: number[], data: Float32Array): StoredTensor => ({ dtype: 'F32', shape, data });

  it('keeps names, order, values and metadata, and aligns every tensor', () => {
    const arrays = {
      F32: Float32Array,
      I64: BigInt64Array,
      U8: Uint8Array,
      F64: Float64Array,
      BF16: Uint16Array,
    } as const;
    const shapes = fc.array(fc.nat(4), { maxLength: 4 });
    const entry = fc.record({ dtype: fc.constantFrom('F32', 'I64', 'U8', 'F64', 'BF16'), shape: shapes });
    const name = fc.string({ unit: 'grapheme' }).filter((s) => !s.startsWith('__') && !/^\d+$/.test(s));
    fc.assert(
      fc.property(fc.dictionary(name, entry, { noNullPrototype: true }), fc.string(), (entries, note) => {
        const tensors = new Map<string, StoredTensor>();
        let seed = 0;
        for (const [key, { dtype, shape }] of Object.entries(entries)) {
          const data = new arrays[dtype](shape.reduce((n, size) => n * size, 1));
          new Uint8Array(data.buffer).forEach((_, i, bytes) => {
            bytes[i] = seed = (seed * 31 + 7) % 251;
          });
          tensors.set(key, { dtype, shape, data });
        }
        const bytes = serialiseSafetensors(tensors, [['note', note]]);
        const read = parseSafetensors(bytes);
        expect([...read.tensors]).toEqual([...tensors]);
        expect(read.metadata.get('note')).toBe(note);
        expect(serialiseSafetensors(read.tensors, read.metadata)).toEqual(bytes);

        const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        expect(headerBytes % 8).toBe(0);
        const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
        for (const [key, { data }] of tensors) {
          expect(header[key].data_offsets[0] % data.BYTES_PER_ELEMENT || 0).toBe(0);
        }
      }),
    );
  });

  it('writes views of larger arrays', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const read = parseSafetensors(serialiseSafetensors([['x', tensor([2], data)]]));
    expect(read.tensors.get('x')!.data).toEqual(Float32Array.of(2, 3));
  });

  it('refuses what the format cannot hold', () => {
    const one = new Float32Array(1);
    const serialise = (name: string, value: unknown) => () =>
      serialiseSafetensors([[name, value as StoredTensor]]);
    expect(serialise('x', tensor([2], one))).toThrow(ShapeError);
    expect(serialise('x', tensor([2], one))).toThrow('tensor "x" of shape [2] does not hold 1 elements');
    expect(serialise('x', tensor([-1, -1], one))).toThrow(ShapeError);
    expect(serialise('x', { dtype: 'F99', shape: [1], data: one })).toThrow(OptionError);
    expect(serialise('x', { dtype: 'F64', shape: [1], data: one })).toThrow('needs a Float64Array');
    expect(serialise('__metadata__', tensor([1], one))).toThrow(OptionError);
    expect(serialise('__proto__', tensor([1], one))).toThrow(OptionError);
    expect(() =>
      serialiseSafetensors([
        ['x', tensor([1], one)],
        ['x', tensor([1], one)],
      ]),
    ).toThrow('two tensors "x"');
  });
});

describe('a header that lies', () => {
  const huge = new Uint8Array(16);
  new DataView(huge.buffer).setBigUint64(0, 2n ** 63n, true);
  const long = file({}, 0);
  new DataView(long.buffer).setBigUint64(0, 11n, true);

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'truncated, it has 0 bytes'],
    ['a length of 2^63', huge, "its header's length is 9223372036854775808, more than the 100000000"],
    ['a length beyond the file', long, "truncated, its header's length is 11 but 2 bytes follow"],
    ['no header', file(''), "does not begin with '{'"],
    ['a list', file('[]'), "does not begin with '{'"],
    ['broken JSON', file('{"a":'), 'its header is not JSON'],
    ['an open string', file('{"a'), 'its header is not JSON'],
    ['a rest behind the JSON', file('{}x'), 'its header is not JSON'],
    ['broken lines', file('{"a":\n\u001b[6,,3]}'), 'its header is not JSON'],
    [
      'bytes that are not UTF-8',
      (() => {
        const f = file('{"ab":1}');
        f[10] = 0xff;
        return f;
      })(),
      'its header is not UTF-8',
    ],
    ['deep nesting', file(`{"a":${'['.repeat(1e6)}`), 'nested more than four levels deep'],
    [
      'a tensor twice',
      file(`{"a":${JSON.stringify(f32(0, 4))},"a":${JSON.stringify(f32(0, 4))}}`, 4),
      'the key "a" twice',
    ],
    ['a tensor twice, once escaped', file(String.raw`{"a":{},"\u0061":{}}`), 'the key "a" twice'],
    [
      'a shape twice',
      file('{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,4]}}', 4),
      'the key "shape" twice',
    ],
    ['__proto__', file(`{"__proto__":${JSON.stringify(f32(0, 4))}}`, 4), "the key '__proto__'"],
    ['__proto__ in a tensor', file('{"a":{"__proto__":{"dtype":"F32"}}}'), "the key '__proto__'"],
    ['metadata that is no object', file({ __metadata__: 'x' }), '__metadata__ is not an object'],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), '__metadata__ "a" is 1 and not a string'],
    ['a number for a tensor', file({ a: 1 }), 'tensor "a" is 1 and not an object'],
    [
      'an unknown dtype',
      file({ a: { ...f32(0, 4), dtype: 'F33' } }, 4),
      'tensor "a" has the dtype "F33", which is none of F64',
    ],
    [
      'a dtype from the prototype',
      file({ a: { ...f32(0, 4), dtype: 'toString' } }, 4),
      'has the dtype "toString"',
    ],
    ['no dtype', file({ a: { shape: [1], data_offsets: [0, 4] } }, 4), 'has the dtype undefined'],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'has the shape undefined'],
    ['a negative size', file({ a: f32(0, 4, [-1, -1]) }, 4), 'has the shape [-1, -1]'],
    ['half a size', file({ a: f32(0, 4, [0.5, 2]) }, 4), 'has the shape [0.5, 2]'],
    [
      'sizes that overflow',
      file({ a: f32(0, 4, [2 ** 32, 2 ** 32, 2 ** 32]) }, 4),
      'takes more than 2^53 bytes',
    ],
    ['sizes that overflow to zero', file({ a: f32(0, 0, [2 ** 52, 2 ** 52, 0, 2]), b: f32(4, 8) }, 8), 'gap'],
    [
      'a shape that does not fit',
      file({ a: f32(0, 8, [3]) }, 8),
      'of shape [3] and dtype F32 takes 12 bytes but its data_offsets span 8',
    ],
    ['one offset', file({ a: { ...f32(0, 4), data_offsets: [0] } }, 4), 'has the data_offsets [0]'],
    [
      'offsets backwards',
      file({ a: { ...f32(0, 4), data_offsets: [4, 0] } }, 4),
      'tensor "a" lies at 4 to 0',
    ],
    ['an offset behind the end', file({ a: f32(0, 400) }, 4), 'lies at 0 to 400 but the data have 4 bytes'],
    [
      'overlap',
      file({ a: f32(0, 8), b: f32(4, 12) }, 12),
      'tensor "b" overlaps the tensor before it: it begins at 4 but that ends at 8',
    ],
    ['the same bytes twice', file({ a: f32(0, 8), b: f32(0, 8) }, 8), 'tensor "b" overlaps'],
    ['a gap', file({ a: f32(0, 4), b: f32(8, 12) }, 12), 'tensor "b" leaves a gap'],
    ['a gap at the start', file({ b: f32(4, 8) }, 8), 'leaves a gap'],
    ['a rest behind the data', file({ a: f32(0, 4) }, 5), 'its tensors end at 4 but 5 bytes follow'],
    ['a rest without tensors', file({}, 1), 'its tensors end at 0 but 1 bytes follow'],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'model.safetensors')).toThrow(FormatError);
    expect(() => parseSafetensors(bytes, 'model.safetensors')).toThrow(message);
    expect(() => parseSafetensors(bytes, 'model.safetensors')).toThrow('[safetensors] model.safetensors: ');
    // In one line, though V8 quotes what it could not read, control characters and all.
    expect(() => parseSafetensors(bytes, 'model.safetensors')).not.toThrow(/\p{Cc}/u);
  });

  it('accepts what the format allows: no tensors, spaces, unordered and unaligned data, unknown fields', () => {
    expect(parseSafetensors(file('{}   ')).tensors.size).toBe(0);
    const header = { b: f32(1, 5), a: { dtype: 'U8', shape: [1], data_offsets: [0, 1], more: [[1]] } };
    expect([...parseSafetensors(file(header, 5)).tensors.keys()]).toEqual(['b', 'a']);
  });

  it('is at worst a FormatError, whatever bytes are changed, cut or added', () => {
    const change = fc.record({
      file: fc.constantFrom(pytorch.subarray(0, 3000), reference),
      edits: fc.array(fc.tuple(fc.nat(1100), fc.nat(255)), { maxLength: 6 }),
      length: fc.option(fc.nat(1200)),
    });
    fc.assert(
      fc.property(change, ({ file, edits, length }) => {
        const bytes = file.slice(0, length ?? undefined);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          parseSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is at worst a FormatError, whatever the JSON says', () => {
    const value = fc.oneof(
      fc.constantFrom('F32', 'U8', [], [0], [1], [0, 4], [4, 4], {}),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const entry = fc.oneof(
      fc.record({ dtype: value, shape: value, data_offsets: value }, { requiredKeys: [] }),
      value,
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), entry), fc.nat(8), (header, dataBytes) => {
        try {
          parseSafetensors(file(header, dataBytes));
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
