import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadNative } from '../src/backend/native.node.js';
import { FASHION_MNIST_CLASSES, fashionMnist } from '../src/data/index.node.js';
import { twill } from './cli-support.js';
import { writeFashionMnist } from './support.js';

let directory: string;
/** A data set of the first 2,000 images to train on and 500 to test. */
let few: string;
const TESTED = 500;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'twill-cli-'));
  few = join(directory, 'few');
  const { train, test } = await fashionMnist();
  writeFashionMnist(few, train.take(2000), test.take(TESTED));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** What the native backend computes with here. */
function defaultIsa(): string {
  return loadNative({ threads: 1, fallbacks: [] }).info().isa;
}

const FILES = [
  'categories.png',
  'history.json',
  'history.png',
  'history.svg',
  'misclassified.png',
  'model.safetensors',
];

/** A quick run's options: 1,000 images, one epoch. */
function quick(name: string, ...more: string[]): string[] {
  return [
    'train',
    '--data',
    few,
    '--epochs',
    '1',
    '--limit',
    '1000',
    '--out',
    join(directory, name),
    ...more,
  ];
}

describe.each(['native', 'wasm'])('on the %s backend', (backend) => {
  const out = () => join(directory, backend);

  test('train learns and leaves weights, history, plots and pictures', async () => {
    const { code, stdout, stderr } = await twill(quick(backend, '--epochs', '2', '--backend', backend));
    expect(stderr).toContain('wrote model.safetensors');
    expect(code).toBe(0);
    expect((await readdir(out())).sort()).toEqual(FILES);
    const { info, epochs } = JSON.parse(await readFile(join(out(), 'history.json'), 'utf8'));
    expect(info.backend).toBe(backend);
    expect(epochs.map((one: { epoch: number }) => one.epoch)).toEqual([1, 2]);
    expect(epochs[1].cost).toBeLessThan(epochs[0].cost);
    // Ten batches of a mean loss that begins near ln 10.
    expect(epochs[0].cost).toBeGreaterThan(10);
    expect(epochs[0].cost).toBeLessThan(30);
    expect(epochs[1].accuracy).toBeGreaterThan(0.3);
    expect(epochs[1].accuracy).toBeLessThan(1);
    expect(epochs[0].seconds).toBeGreaterThan(0);
    expect(Object.keys(epochs[0]).slice(5)).toEqual(['lr', 'trainAccuracy', 'validationLoss']);
    expect(epochs[0].lr).toBe(0.1);
    // Off a terminal: one plain line an epoch, nothing else on stdout.
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(
      `epoch 1 cost ${epochs[0].cost} accuracy ${epochs[0].accuracy} ` +
        `seconds ${epochs[0].seconds.toFixed(3)} evalSeconds ${epochs[0].evalSeconds.toFixed(3)}`,
    );
    for (const picture of ['history.png', 'categories.png', 'misclassified.png']) {
      expect(decode(await readFile(join(out(), picture))).width).toBeGreaterThan(500);
    }
  });

  test('eval finds the accuracy that training reported, and the table adds up to it', async () => {
    const model = join(out(), 'model.safetensors');
    const { code, stdout } = await twill([
      'eval',
      '--data',
      few,
      '--model',
      model,
      '--backend',
      backend,
      '--json',
    ]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    const { epochs } = JSON.parse(await readFile(join(out(), 'history.json'), 'utf8'));
    expect(result.accuracy).toBe(epochs[1].accuracy);
    expect(result.images).toBe(TESTED);
    const sum = (key: string) =>
      result.classes.reduce((total: number, one: Record<string, number>) => total + one[key]!, 0);
    expect(sum('images')).toBe(TESTED);
    expect(sum('correct')).toBe(result.correct);
    expect(result.cost).toBeCloseTo(result.loss * (TESTED / 100), 6);
    const table = await twill(['eval', '--data', few, '--model', model, '--backend', backend]);
    for (const name of FASHION_MNIST_CLASSES) expect(table.stdout).toContain(name);
    expect(table.stdout).toContain(`accuracy ${(result.accuracy * 100).toFixed(2)} %`);
  });

  test('predict names classes with probabilities that sum to one', async () => {
    const { test: images } = await fashionMnist();
    const files: string[] = [];
    for (let i = 0; i < 3; i++) {
      const file = join(directory, `${i}.png`);
      const pixels = images.get(i).image as Uint8Array;
      const data = i === 2 ? pixels.map((value) => 255 - value) : pixels.slice();
      await writeFile(file, encode({ width: 28, height: 28, channels: 1, data }));
      files.push(file);
    }
    const args = ['predict', '--model', join(out(), 'model.safetensors'), '--backend', backend, ...files];
    const { code, stdout } = await twill([...args, '--json', '--top', '10']);
    expect(code).toBe(0);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers.map(({ file }) => file)).toEqual(files);
    expect(answers.map(({ inverted }) => inverted)).toEqual([false, false, true]);
    for (const answer of answers) {
      const total = answer.top.reduce(
        (sum: number, one: { probability: number }) => sum + one.probability,
        0,
      );
      expect(total).toBeCloseTo(1, 5);
      expect(answer.class).toBe(FASHION_MNIST_CLASSES[answer.index]);
      expect(answer.probability).toBe(answer.top[0].probability);
    }
    // The same images as a folder, and one of them on stdin.
    const photos = join(directory, 'photos');
    await mkdir(photos, { recursive: true });
    for (const [i, file] of files.entries()) await writeFile(join(photos, `${i}.PNG`), await readFile(file));
    const options = ['--backend', backend, '--json', '--top', '10'];
    const predict = ['predict', '--model', join(out(), 'model.safetensors'), ...options];
    const named = (names: readonly string[]) => answers.map((answer, i) => ({ ...answer, file: names[i] }));
    const lines = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
    const folder = await twill([...predict, photos]);
    expect(lines(folder.stdout)).toEqual(named([0, 1, 2].map((i) => join(photos, `${i}.PNG`))));
    const piped = await twill([...predict, '-'], { stdin: await readFile(files[0]!) });
    expect(lines(piped.stdout)).toEqual(named(['stdin']).slice(0, 1));

    const plain = await twill(args);
    expect(plain.stdout).toContain(answers[0].class);
    expect(plain.stderr).toBe(`${files[2]}: inverted (light background)\n`);
  });

  test('info tells what computes', async () => {
    const { code, stdout } = await twill(['info', '--backend', backend, '--threads', '1', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ backend, threads: 1, fallbacks: expect.any(Array) });
    expect((await twill(['info', '--backend', backend])).stdout).toContain(backend);
  });

  test('bench measures the parts that are asked for, on every instruction set', async () => {
    const args = ['bench', '--backend', backend, '--threads', '1', '--only', 'step', '--data', few];
    const { code, stdout } = await twill([...args, '--json']);
    expect(code).toBe(0);
    const { machine, data, figures } = JSON.parse(stdout);
    expect(machine.processors).toBeGreaterThan(0);
    expect(data).toBe(few);
    const runners = figures.map(({ runner }: { runner: string }) => runner);
    expect(runners).toContain(`Twill ${backend} ${backend === 'wasm' ? 'simd128' : defaultIsa()}`);
    for (const { section, threads, timing } of figures) {
      expect([section, threads]).toEqual(['step', 1]);
      expect(timing.seconds).toBeGreaterThan(0);
    }
    const plain = await twill(args);
    expect(plain.stdout).toContain('A training step');
    expect(plain.stdout).toContain(runners[0]);
  });
});

describe('train', () => {
  test('the same seed gives the same weights, another one does not; --init goes on from a file', async () => {
    const weights = async (name: string, ...more: string[]) => {
      expect((await twill(quick(name, '--limit', '200', ...more))).code).toBe(0);
      return readFile(join(directory, name, 'model.safetensors'));
    };
    const first = await weights('seed-a', '--seed', '7', '--shuffle');
    expect(Buffer.compare(first, await weights('seed-b', '--seed', '7', '--shuffle'))).toBe(0);
    expect(Buffer.compare(first, await weights('seed-c', '--seed', '8', '--shuffle'))).not.toBe(0);
    const init = join(directory, 'seed-a', 'model.safetensors');
    expect(Buffer.compare(first, await weights('frozen', '--init', init, '--lr', '0'))).toBe(0);
  });

  test('train --recipe makes its network, which eval and predict know by its weights', async () => {
    const out = join(directory, 'normalised');
    const model = join(out, 'model.safetensors');
    expect((await twill(quick('normalised', '--recipe', 'article-3x3'))).code).toBe(0);
    const { epochs } = JSON.parse(await readFile(join(out, 'history.json'), 'utf8'));
    const { code, stdout } = await twill(['eval', '--data', few, '--model', model, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).accuracy).toBe(epochs[0].accuracy);
    const more = await twill(quick('normalised-more', '--recipe', 'article-3x3', '--init', model));
    expect(more.code).toBe(0);
    const other = await twill(quick('other', '--recipe', 'article', '--init', model));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('does not hold the weights of this network');
  });

  test('its weights have the names of the article', async () => {
    const bytes = await readFile(join(directory, 'seed-a', 'model.safetensors'));
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
    expect(
      Object.fromEntries(
        Object.entries(header).map(([key, value]) => [key, (value as { shape: number[] }).shape]),
      ),
    ).toMatchObject({
      'cnn1.weight': [16, 1, 5, 5],
      'cnn1.bias': [16],
      'cnn2.weight': [32, 16, 5, 5],
      'cnn2.bias': [32],
      'fc1.weight': [10, 1568],
      'fc1.bias': [10],
    });
  });

  test('--json writes a start, every epoch and the end', async () => {
    const { stdout, stderr } = await twill(quick('json', '--limit', '300', '--epochs', '2', '--json'));
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual(['start', 'epoch', 'epoch', 'end']);
    expect(events[0]).toMatchObject({ train: 300, test: TESTED, info: { threads: expect.any(Number) } });
    expect(events[1]).toMatchObject({ epoch: 1, cost: expect.any(Number), accuracy: expect.any(Number) });
    expect([...events[3].files].sort()).toEqual(FILES);
    expect(stderr).toBe('');
  });

  test('on a terminal it shows a bar with rate, time left and loss; NO_COLOR keeps it plain', async () => {
    const { stdout, stderr } = await twill(quick('tty', '--limit', '2000'), { tty: true });
    expect(stdout).toMatch(/epoch 1\/1.*cost.*accuracy/s);
    expect(stdout).toContain('\u001b[');
    expect(stderr).toMatch(/images\/s {2}ETA .* {2}loss \d/);
    const plain = await twill(quick('tty', '--limit', '300'), { tty: true, env: { NO_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\u001b[');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s ends it within a batch, keeps what there is and exits with %i', async (signal, code) => {
    const signals = new EventEmitter();
    const out = join(directory, signal);
    const running = twill(['train', '--data', few, '--epochs', '5000', '--out', out, '--json'], {
      signals,
    });
    const deadline = Date.now() + 60_000;
    while (signals.listenerCount(signal) === 0 && Date.now() < deadline)
      await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done, 300));
    signals.emit(signal);
    expect(signals.listenerCount(signal)).toBe(0);
    const result = await running;
    expect(result.code).toBe(code);
    expect(result.stderr).toContain('interrupted');
    expect((await readdir(out)).sort()).toEqual(FILES);
    const { epochs } = JSON.parse(await readFile(join(out, 'history.json'), 'utf8'));
    const events = result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.filter(({ event }) => event === 'epoch')).toHaveLength(epochs.length);
    expect(events.at(-1)).toMatchObject({ event: 'end', early: true });
    expect((await twill(['eval', '--data', few, '--model', join(out, 'model.safetensors')])).code).toBe(0);
  });

  test('--checkpoint-every and --resume: an interrupted training goes on to the same weights', async () => {
    const run = (name: string, ...more: string[]) =>
      quick(name, '--epochs', '8', '--shuffle', '--momentum', '0.5', '--lr', '0.05', ...more);
    const weights = (name: string) => readFile(join(directory, name, 'model.safetensors'));
    const records = async (name: string) => {
      const { epochs } = JSON.parse(await readFile(join(directory, name, 'history.json'), 'utf8'));
      return epochs.map(({ cost, accuracy }: { cost: number; accuracy: number }) => [cost, accuracy]);
    };
    expect((await twill(run('through'))).code).toBe(0);
    const signals = new EventEmitter();
    const running = twill(run('resumed', '--checkpoint-every', '3'), { signals });
    const kept = join(directory, 'resumed', 'checkpoint.safetensors');
    await expect.poll(() => existsSync(kept), { timeout: 60_000 }).toBe(true);
    signals.emit('SIGINT');
    expect((await running).code).toBe(130);
    const { code, stdout, stderr } = await twill(['train', '--resume', join(directory, 'resumed')]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('wrote')]);
    expect(stdout).toContain('epoch 8');
    expect(Buffer.compare(await weights('resumed'), await weights('through'))).toBe(0);
    expect(await records('resumed')).toEqual(await records('through'));
    const other = await twill(['train', '--resume', join(directory, 'resumed'), '--batch-size', '50']);
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('made with batchSize 100 but now it is 50'),
    });
    const missing = await twill(['train', '--resume', join(directory, 'through')]);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('run.json: no such file') });
  });

  test('a loss that is not finite any more is an error with epoch and batch, and leaves no files', async () => {
    const { code, stderr } = await twill(quick('diverged', '--lr', '1e30'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^twill: .*epoch 1, batch \d+/m);
    expect(existsSync(join(directory, 'diverged'))).toBe(false);
  });

  test('a directory that cannot be written is found out before the training', async () => {
    const file = join(directory, 'a-file');
    await writeFile(file, 'mine');
    for (const out of [file, join(file, 'below')]) {
      const { code, stdout, stderr } = await twill(['train', '--out', out]);
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^twill: cannot write into .*a-file.*\n$/);
    }
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  // Linux's /proc is such a file system.
  test.runIf(existsSync('/proc/self'))(
    'nor does a file system that makes no directories hang it',
    async () => {
      const { code, stderr } = await twill(['train', '--out', '/proc/twill/out']);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^twill: cannot write into \/proc\/twill\/out: .*\n$/);
    },
  );

  test('a run that cannot begin leaves no directory behind, and keeps one that was there', async () => {
    const fresh = join(directory, 'fresh', 'deep');
    const there = join(directory, 'there');
    await mkdir(there);
    for (const out of [fresh, there]) {
      const { code } = await twill(['train', '--out', out, '--init', join(directory, 'missing.safetensors')]);
      expect(code).toBe(1);
    }
    expect(existsSync(join(directory, 'fresh'))).toBe(false);
    expect(existsSync(there)).toBe(true);
  });
});

test('data says where the images are', async () => {
  const { code, stdout } = await twill(['data', '--json']);
  expect(code).toBe(0);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({
    train: 60_000,
    test: 10_000,
    shape: [1, 28, 28],
    classes: [...FASHION_MNIST_CLASSES],
  });
  expect(existsSync(found.source)).toBe(true);
  expect((await twill(['data', '--data', found.source])).stdout).toContain(found.source);
});

describe('files that are missing or wrong are one sentence with their name and exit code 1', () => {
  async function refused(args: string[], message: RegExp) {
    const { code, stdout, stderr } = await twill(args);
    expect(stderr).toMatch(/^twill: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  }

  test('no model, no safetensors, another network', async () => {
    await refused(
      ['eval', '--model', join(directory, 'none.safetensors')],
      /none\.safetensors.*no such file/,
    );
    const text = join(directory, 'text.safetensors');
    await writeFile(text, 'certainly not a model');
    await refused(['eval', '--model', text], /text\.safetensors/);
    const other = join(directory, 'other.safetensors');
    const header = JSON.stringify({ w: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    await writeFile(other, Buffer.concat([size, Buffer.from(header), Buffer.alloc(4)]));
    await refused(
      ['eval', '--model', other],
      /other\.safetensors does not hold the weights of this network.*cnn1\.weight/,
    );
  });

  test('no data where it should be', async () => {
    await refused(['data', '--data', directory], /train-images-idx3-ubyte/);
  });

  test('an image that is none, a directory', async () => {
    expect((await twill(quick('for-images', '--limit', '100'))).code).toBe(0);
    const model = join(directory, 'for-images', 'model.safetensors');
    const bad = join(directory, 'bad.png');
    await writeFile(bad, 'GIF89a');
    await refused(['predict', '--model', model, bad], /bad\.png is neither a PNG nor a JPEG file/);
    const empty = join(directory, 'empty');
    await mkdir(empty);
    await refused(['predict', '--model', model, empty], /empty holds no PNG or JPEG files/);
    await refused(['predict', '--model', model, '-'], /stdin is neither a PNG nor a JPEG file/);
    await refused(['predict', '--model', model, join(directory, 'no.png')], /no\.png.*no such file/);
  });

  test('--debug or TWILL_DEBUG=1 add where it came from', async () => {
    const args = ['eval', '--model', join(directory, 'none.safetensors')];
    expect((await twill(args)).stderr).not.toContain('    at ');
    expect((await twill(args, { env: { TWILL_DEBUG: '0' } })).stderr).not.toContain('    at ');
    for (const { stderr } of [
      await twill(args, { env: { TWILL_DEBUG: '1' } }),
      await twill([...args, '--debug']),
      await twill(['--debug', ...args]),
    ]) {
      expect(stderr).toMatch(/^twill: [^\n]+none\.safetensors[^\n]+\n/);
      expect(stderr).toMatch(/\n {4}at .*[\s\S]*\[cause\]: .*ENOENT/);
    }
  });
});
