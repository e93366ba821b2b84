import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArticleCnn, LAYERS, slug } from 'twill/bench';
import { ImageDataset } from 'twill/data';
import { afterEach, describe, expect, it } from 'vitest';
import { measureMemory } from '../bench/lib/memory.js';
import { articleOnnx } from '../bench/lib/onnx.js';
import { parseOptions } from '../bench/lib/options.js';
import { Peer } from '../bench/lib/peer.js';
import { writeInputs } from '../bench/lib/peers.js';

/** A peer that answers with what it was asked, in the protocol's forms. */
const ECHO = `
  const say = (answer) => console.log(JSON.stringify(answer));
  say({ name: 'Echo 1.0', detail: process.env.ECHO });
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    if (line.startsWith('prepare kind=inference')) say({ unsupported: true });
    else if (line.startsWith('prepare kind=step')) say({ ok: true, check: 2.5 });
    else if (line.startsWith('prepare')) say({ error: line });
    else if (line.startsWith('sample')) say({ seconds: [Number(line.split('=')[1])] });
    else if (line.startsWith('train')) say({ epochs: [{ train: 1, validation: 2 }], accuracy: 0.5 });
    else if (line === 'memory batch=100') say({ grown: 3000, planned: 2000 });
    else if (line.startsWith('memory')) say({ error: 'too much' });
    else if (line === 'dispose') say({ ok: true });
    else process.exit();
  });`;

const options = { threads: 2, yardstick: undefined, env: { ECHO: 'loud' } };
const started: Peer[] = [];

async function echo(trains = false): Promise<Peer> {
  const peer = await Peer.start(process.execPath, ['-e', ECHO], { ...options, trains, suffix: ' tuned' });
  started.push(peer);
  return peer;
}

afterEach(() => {
  for (const peer of started.splice(0)) peer.close();
});

describe('Peer', () => {
  it('speaks with a process that says who it is', async () => {
    const peer = await echo(true);
    expect([peer.name, peer.detail, peer.threads]).toEqual(['Echo 1.0 tuned', 'loud', 2]);
    const prepared = await peer.prepare({ kind: 'step', batch: 100 });
    expect(prepared!.check).toBe(2.5);
    expect(await prepared!.sample(0.25)).toEqual([0.25]);
    prepared!.dispose();
    expect(await peer.prepare({ kind: 'inference', batch: 1 })).toBeUndefined();
    expect(await peer.train!(1)).toEqual({ epochs: [{ train: 1, validation: 2 }], accuracy: 0.5 });
    expect((await echo()).train).toBeUndefined();
  });

  it('describes a layer in full, and passes an error on', async () => {
    const peer = await echo();
    const task = {
      kind: 'layer',
      layer: LAYERS[1]!,
      pass: 'weight gradient',
      batch: 16,
      fused: false,
    } as const;
    await expect(peer.prepare(task)).rejects.toThrow(
      'prepare kind=layer fused=0 pass=weight_gradient batch=16 ' +
        'IC=16 OC=32 size=14 kernel=5 padding=2 stride=1 dilation=1 groups=1',
    );
  });

  it('tells what steps take, and why it cannot', async () => {
    const peer = await echo();
    expect(await measureMemory([peer])).toEqual({
      uses: [{ runner: 'Echo 1.0 tuned', threads: 2, grown: 3000, planned: 2000 }],
      absences: [],
    });
    await expect(peer.memory(7)).rejects.toThrow('too much');
  });

  it('says why a process does not start', async () => {
    const cases: [string, string[], RegExp][] = [
      ['no-such-command', [], /ENOENT/],
      [
        process.execPath,
        ['-e', 'console.error("first"); console.error("no module"); process.exit(1)'],
        /^no module$/,
      ],
      [process.execPath, ['-e', ''], /it ended before it said anything/],
    ];
    for (const [command, args, why] of cases) {
      await expect(Peer.start(command, args, options)).rejects.toThrow(why);
    }
  });
});

it('writes what peers start from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twill-bench-test-'));
  try {
    const images = Uint8Array.from({ length: 2 * 784 }, (_, i) => i % 251);
    const split = new ImageDataset({ images, labels: Int32Array.of(3, 9), shape: [1, 28, 28] });
    const model = new ArticleCnn();
    writeInputs(folder, model.stateDict(), { train: split, test: split, source: 'made up' });
    const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
    expect(read('train.images.u8')).toEqual(images);
    expect([...read('test.labels.u8')]).toEqual([3, 9]);
    expect(new Float32Array(read('fc1.bias.f32').buffer)).toEqual(model.fc1.bias!.read());
    expect(read('model.onnx')).toEqual(articleOnnx(model.stateDict()));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('parseOptions', () => {
  it('writes whole runs only, unless it is told where', () => {
    expect(parseOptions([], 'results')).toMatchObject({
      quick: false,
      peers: true,
      sweepThreads: [1],
      out: 'results',
    });
    for (const args of [
      ['--quick'],
      ['--only', 'sweep'],
      ['--no-peers'],
      ['--threads', '1'],
      ['--layers', '5x5'],
    ]) {
      expect(parseOptions(args, 'results').out).toBeUndefined();
    }
    expect(parseOptions(['--quick', '--out', 'here'], 'results').out).toBe('here');
  });

  it('takes lists, and arrows however they are typed', () => {
    const { only, threads, sweepThreads, layers } = parseOptions(
      ['--only', 'step, latency', '--threads', '1,4', '--layers', '16>32'],
      'results',
    );
    expect([only, threads, sweepThreads]).toEqual([
      ['step', 'latency'],
      [1, 4],
      [1, 4],
    ]);
    expect(layers!.map(({ name }) => name)).toEqual(['16→32 5x5 14x14 (article 2)']);
  });
});

it("makes a file's name of a processor's", () => {
  expect(slug('Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz')).toBe('intel-xeon-platinum-8481c');
  expect(slug('AMD EPYC (family 25, model 17)')).toBe('amd-epyc-family-25-model-17');
});
