import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBackend } from 'twill';
import { ArticleCnn, articleTrainer, plannedStepBytes } from 'twill/bench';
import { serve } from './serve.js';

/**
 * node twill.js <folder with node_modules> <folder with weights and data> <threads>
 *
 * Twill in a process of its own, whose memory can be told from the bench's.
 */
const [, folder, threads] = process.argv.slice(2) as [string, string, string];
const backend = await loadBackend({ backend: 'native', threads: Number(threads) });
const { isa } = backend.info();

/** VmRSS, or VmHWM for its peak, in bytes. */
function resident(what: 'VmRSS' | 'VmHWM'): number {
  const [, kibibytes] = new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))!;
  return 1024 * Number(kibibytes);
}

const PIXELS = 28 * 28;
const STEPS = 20;

/** By how much the process grows, at its peak, from steps of one image to steps of a batch. */
async function memory(batch: number): Promise<object> {
  const images = readFileSync(join(folder, 'train.images.u8')).subarray(0, STEPS * batch * PIXELS);
  const labels = readFileSync(join(folder, 'train.labels.u8')).subarray(0, STEPS * batch);
  const model = new ArticleCnn();
  const steps = async (size: number) => {
    const trainer = articleTrainer(model, size, backend);
    for (let at = 0; at < STEPS * size; at += size) {
      await trainer.step(images.subarray(at * PIXELS, (at + size) * PIXELS), labels.subarray(at, at + size));
    }
    trainer.dispose();
  };
  await steps(1);
  const before = resident('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  await steps(batch);
  return { grown: resident('VmHWM') - before, planned: plannedStepBytes(batch, backend) };
}

await serve(`Twill native ${isa}`, 'in a process of its own', async () => undefined, {
  memory: ({ batch }) => memory(Number(batch)),
});
