import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const entry = new URL('../dist/index.node.js', import.meta.url).href;
const data = new URL('../dist/data/index.node.js', import.meta.url).href;

/** Trains, with a line of output a step; goes on from its checkpoint where there is one. */
const SCRIPT = `
import { existsSync } from 'node:fs';
import { ImageDataset } from '${data}';
import { AdamW, BatchNorm2d, Conv2d, CosineAnnealingLR, Dropout, Flatten, fit, Generator, Linear, loadBackend, MaxPool2d, ReLU,
  save, Sequential } from '${entry}';
const [name, checkpoint, result] = process.argv.slice(1);
const generator = new Generator(1);
const images = Uint8Array.from({ length: 200 * 64 }, () => generator.integer(256));
const labels = Uint8Array.from({ length: 200 }, () => generator.integer(4));
const train = new ImageDataset({ images, labels, shape: [1, 8, 8] });
const model = new Sequential(new Conv2d(1, 6, 3, { padding: 1, generator }), new BatchNorm2d(6), new ReLU(),
  new MaxPool2d(2), new Flatten(), new Dropout(0.2), new Linear(96, 4, { generator }));
await fit(model, train, {
  optimizer: new AdamW({ lr: 0.01, groups: [{ parameters: /bias$/, weightDecay: 0 }] }),
  schedule: new CosineAnnealingLR({ interval: 'step' }),
  epochs: 6, batchSize: 25, shuffle: true, seed: 4, validation: train.take(50),
  averaging: { decay: 0.9 }, clipGradNorm: 1, earlyStopping: { patience: 6, monitor: 'accuracy' },
  backend: await loadBackend({ backend: name }),
  checkpoint: { to: checkpoint, every: 3 },
  resume: existsSync(checkpoint) ? checkpoint : undefined,
  onBatch: ({ epoch, batch }) => process.stdout.write(epoch + '.' + batch + '\\n'),
}).finish();
await save(model, result);
`;

/** Runs the script until `killAt` is printed; returns the steps that it took. */
function run(files: readonly string[], killAt?: string): Promise<{ steps: string[]; signal: string | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    if (killAt !== undefined && output.includes(`${killAt}\n`)) child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    child.on('close', (_code, signal) => resolve({ steps: output.trim().split('\n'), signal }));
  });
}

describe.each(['native', 'wasm'])('a training with %s that is killed', (name) => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'twill-checkpoint-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('goes on to the bits of one that was not', async () => {
    const file = (which: string) => join(directory, which);
    const whole = await run([name, file('a.checkpoint'), file('a')]);
    expect(whole.steps.length).toBe(6 * 8);
    // In the middle of an epoch; then again, after it went on, at the end of one.
    const files = [name, file('b.checkpoint'), file('b')];
    const first = await run(files, '2.5');
    expect(first.signal).toBe('SIGKILL');
    const second = await run(files, '4.8');
    expect(second.signal).toBe('SIGKILL');
    const last = await run(files);
    expect(last.signal).toBe(null);
    expect(last.steps.at(-1)).toBe('6.8');
    expect(second.steps.length).toBeLessThan(whole.steps.length - 8);
    expect(last.steps.length).toBeLessThan(2 * 8 + 3);
    expect(readFileSync(file('b'))).toEqual(readFileSync(file('a')));
    // Whatever is left beside them is a temporary file of the moment that a process was killed at.
    const rest = readdirSync(directory).filter((one) => !one.endsWith('.tmp'));
    expect(rest.sort()).toEqual(['a', 'a.checkpoint', 'b', 'b.checkpoint']);
  }, 120_000);
});
