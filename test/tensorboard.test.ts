import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32c } from '../src/report/crc32c.js';
import { TensorBoardWriter } from '../src/report/index.node.js';
import { twill } from './cli-support.js';
import { bars, writeFashionMnist } from './support.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'twill-tensorboard-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The events of a file, as a program reads them that shares nothing with ours: checksums bit by bit, fields by hand. */
const READER = `
import json, struct, sys

def crc(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82f63b78 if value & 1 else 0)
    value ^= 0xffffffff
    return (((value >> 15) | (value << 17)) + 0xa282ead8) & 0xffffffff

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at

def fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        size = {1: 8, 5: 4}.get(tag & 7)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
            continue
        if size is None:
            assert tag & 7 == 2
            size, at = varint(data, at)
        yield tag >> 3, data[at:at + size]
        at += size
    assert at == len(data)

data = open(sys.argv[1], "rb").read()
events = []
while data:
    (length,) = struct.unpack("<Q", data[:8])
    assert struct.unpack("<I", data[8:12])[0] == crc(data[:8]), "checksum of a length"
    body = data[12:12 + length]
    assert struct.unpack("<I", data[12 + length:16 + length])[0] == crc(body), "checksum of data"
    event = {"scalars": {}, "step": 0}
    for number, value in fields(body):
        if number == 1:
            event["time"] = struct.unpack("<d", value)[0]
        elif number == 2:
            event["step"] = value
        elif number == 3:
            event["version"] = value.decode()
        elif number == 5:
            for one, scalar in fields(value):
                assert one == 1
                named = dict(fields(scalar))
                event["scalars"][named[1].decode()] = str(struct.unpack("<f", named[2])[0])
    events.append(event)
    data = data[16 + length:]
print(json.dumps(events))
`;

interface Event {
  readonly time: number;
  readonly step: number;
  readonly version?: string;
  readonly scalars: Readonly<Record<string, string>>;
}

function eventsOf(file: string): Event[] {
  const script = join(directory, 'reader.py');
  writeFileSync(script, READER);
  return JSON.parse(execFileSync('python3', [script, file], { encoding: 'utf8' })) as Event[];
}

test('CRC-32C of the vectors of RFC 3720', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

describe('an event file', () => {
  test('holds its version, then scalars in the order of the calls', async () => {
    const folder = join(directory, 'deep', 'er');
    let file: string;
    {
      await using writer = await TensorBoardWriter.open(folder);
      file = writer.file;
      await Promise.all([
        writer.scalars(0, { 'loss/train': 1.5, accuracy: 0.25 }),
        writer.scalars(300, { größe: -(2 ** 20), 'not known': Number.NaN }),
      ]);
    }
    expect(readdirSync(folder)).toEqual([file.slice(folder.length + 1)]);
    expect(file).toMatch(/events\.out\.tfevents\.\d{10}\./);
    const [version, first, second] = eventsOf(file);
    expect(version).toMatchObject({ version: 'brain.Event:2', scalars: {} });
    expect(first).toMatchObject({ step: 0, scalars: { 'loss/train': '1.5', accuracy: '0.25' } });
    expect(second).toMatchObject({ step: 300, scalars: { größe: '-1048576.0', 'not known': 'nan' } });
    expect(Math.abs(Date.now() / 1000 - first!.time)).toBeLessThan(100);
  });

  test('two of one directory do not share a file; what is wrong is said', async () => {
    const [a, b] = await Promise.all([TensorBoardWriter.open(directory), TensorBoardWriter.open(directory)]);
    expect(a!.file).not.toBe(b!.file);
    await expect(a!.scalars(-1, { x: 1 })).rejects.toThrow(/step must be a whole number of at least 0/);
    await expect(a!.scalars(1, { x: '1' as never })).rejects.toThrow(/"x" must be a number but is "1"/);
    await a!.close();
    await b!.close();
    expect(eventsOf(a!.file)).toHaveLength(1);
    await expect(a!.scalars(1, { x: 1 })).rejects.toThrow(/cannot write .*tfevents/);
    const blocked = join(directory, 'a-file');
    writeFileSync(blocked, '');
    await expect(TensorBoardWriter.open(join(blocked, 'x'))).rejects.toThrow(/cannot write into .*a-file/);
  });
});

test('twill train --tensorboard writes what every epoch came to', async () => {
  const data = join(directory, 'data');
  writeFashionMnist(data, bars(200, { classes: 10, size: 28 }), bars(50, { classes: 10, size: 28, seed: 2 }));
  const [out, logs] = [join(directory, 'out'), join(directory, 'logs')];
  const { code, stdout } = await twill([
    'train',
    '--data',
    data,
    '--epochs',
    '2',
    '--out',
    out,
    '--tensorboard',
    logs,
    '--json',
  ]);
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const events = eventsOf(join(logs, readdirSync(logs)[0]!)).slice(1);
  expect(events.map(({ step }) => step)).toEqual([1, 2]);
  for (const [at, { scalars }] of events.entries()) {
    const epoch = lines[1 + at];
    expect(Number(scalars['accuracy/validation'])).toBeCloseTo(epoch.accuracy, 6);
    expect(Number(scalars.cost)).toBeCloseTo(epoch.cost, 3);
    expect(Object.keys(scalars)).toEqual(
      expect.arrayContaining(['loss/train', 'loss/validation', 'time/training']),
    );
  }
});
