import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dist, runChild } from './child.js';

/** What the machine will not give: memory, space on the disk. */
const can = (...command: string[]) => spawnSync(command[0]!, command.slice(1)).status === 0;
const hasLimits = process.platform === 'linux' && can('prlimit', '--version');
/** Nobody's limits hold for root as well: it takes another user. */
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const load = ['--input-type=module', '-e', `import '${dist}index.node.js'`];
// Nor may nobody read every place in which somebody has this checkout.
const nobodyMayRun = hasLimits && can(...asNobody, process.execPath, ...load);

const MODEL = `
import { BackendError, Conv2d, Flatten, Linear, loadBackend, OutOfMemoryError, ReLU, save, Sequential, SGD, toBytes,
  Trainer, Generator } from 'twill';
const generator = new Generator(1);
const model = new Sequential(new Conv2d(1, 16, 5, { padding: 2, generator }), new ReLU(), new Flatten(),
  new Linear(16 * 784, 10, { generator }));
const images = Uint8Array.from({ length: 784 * 64 }, (_, at) => (at * 7919) % 256);
const labels = Uint8Array.from({ length: 64 }, (_, at) => at % 10);
const optimizer = () => new SGD({ lr: 0.001 });
const trainerOn = (backend, batchSize = 64) =>
  new Trainer(model, { inputShape: [1, 28, 28], optimizer: optimizer(), backend, batchSize });
`;

describe.skipIf(!hasLimits)('without memory', () => {
  it.each([
    ['native', 4_000_000_000, 5_000_000],
    ['wasm', 30_000_000_000, 6_000_000],
  ])('a trainer on %s is refused by name, and others go on', async (backend, space, batchSize) => {
    const { code, output } = await runChild(
      `${MODEL}
      const backend = await loadBackend({ backend: '${backend}', threads: 2 });
      const trainer = trainerOn(backend);
      await trainer.step(images, labels);
      const before = toBytes(model);
      const error = await trainerOn(backend, ${batchSize}).step(images, labels).catch((thrown) => thrown);
      console.log(error.name, error instanceof BackendError, error.bytes > 1e9, error.message);
      console.log(Buffer.compare(toBytes(model), before), (await trainer.step(images, labels)).loss > 0, trainer.steps);`,
      { before: ['prlimit', `--as=${space}`] },
    );
    expect(output).toMatch(/^OutOfMemoryError true true \[memory\] cannot allocate \d+ bytes.*\n0 true 2$/);
    expect(code).toBe(0);
  });
});

describe.skipIf(!hasLimits)('without space on the disk', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'twill-disk-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const FIT = `${MODEL}
    import { ImageDataset } from 'twill/data';
    import { fit } from 'twill';
    const file = process.argv.at(-1);
    const data = new ImageDataset({ images, labels, shape: [1, 28, 28] });
    const error = (thrown) => console.log(thrown.name, thrown.message);
    await save(model, file).catch(error);
    let steps = 0;
    await fit(model, data, { optimizer: optimizer(), batchSize: 16, epochs: 2, checkpoint: { to: file, every: 2 },
      onBatch: () => steps++ }).finish().catch(error);
    console.log(steps, model.parameters().every((one) => one.read().every(Number.isFinite)),
      (await trainerOn(await loadBackend()).step(images, labels)).loss > 0);`;

  it('what was saved before stays, and the message says what happened', async () => {
    const file = join(directory, 'model.safetensors');
    writeFileSync(file, 'the last good one');
    const { code, output } = await runChild(FIT, { before: ['prlimit', '--fsize=100000'], args: [file] });
    const refused = `DataError cannot write ${file}: it would be larger than files may be here`;
    expect({ code, output }).toEqual({ code: 0, output: `${refused}\n${refused}\n2 true true` });
    expect(readFileSync(file, 'utf8')).toBe('the last good one');
    expect(readdirSync(directory)).toEqual(['model.safetensors']);
  });

  it.skipIf(!nobodyMayRun)('a directory that nobody may write to is named', async () => {
    const file = join(directory, 'model.safetensors');
    writeFileSync(file, 'the last good one');
    spawnSync('chmod', ['755', directory]);
    const { code, output } = await runChild(FIT, { before: asNobody, args: [file] });
    const refused = `DataError cannot write ${file}: permission denied`;
    expect({ code, output }).toEqual({ code: 0, output: `${refused}\n${refused}\n2 true true` });
    expect(readdirSync(directory)).toEqual(['model.safetensors']);
  });

  it.skipIf(process.platform !== 'linux')('a history is not cut short', async () => {
    const file = join(directory, 'history.json');
    writeFileSync(file, '{}');
    const { output } = await runChild(
      `import { writeFileAtomic } from '${new URL('../dist/io/file.node.js', import.meta.url).href}';
      await writeFileAtomic(process.argv.at(-1), 'x'.repeat(200_000)).catch((error) => console.log(error.message));`,
      { before: ['prlimit', '--fsize=100000'], args: [file] },
    );
    expect(output).toBe(`cannot write ${file}: it would be larger than files may be here`);
    expect(readFileSync(file, 'utf8')).toBe('{}');
  });
});

/** A cgroup of a quarter of a processor; undefined where this process may not make one. */
function quarterOfAProcessor(): string | undefined {
  const [v1, v2] = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup'];
  const group = join(existsSync(v1) ? v1 : v2, `twill-test-${process.pid}`);
  try {
    mkdirSync(group);
    if (existsSync(v1)) writeFileSync(join(group, 'cpu.cfs_quota_us'), '25000');
    else writeFileSync(join(group, 'cpu.max'), '25000 100000');
    if (can('sh', '-c', `echo $$ > ${group}/cgroup.procs`)) return group;
    rmdirSync(group);
    return undefined;
  } catch {
    if (existsSync(group)) rmdirSync(group);
    return undefined;
  }
}

describe('with a quarter of a processor', () => {
  const group = process.platform === 'linux' ? quarterOfAProcessor() : undefined;
  afterAll(() => {
    if (group) rmdirSync(group);
  });

  it.skipIf(!group).each(['native', 'wasm'])(
    '%s trains on one thread, and says so',
    async (backend) => {
      const { code, output } = await runChild(
        `${MODEL}
      const backend = await loadBackend({ backend: '${backend}' });
      const trainer = trainerOn(backend);
      const losses = [];
      for (let step = 0; step < 5; step++) losses.push((await trainer.step(images, labels)).loss);
      console.log(backend.info().threads, losses.at(-1) < losses[0]);`,
        {
          before: ['sh', '-c', `unset OMP_NUM_THREADS; echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh'],
        },
      );
      expect({ code, output }).toEqual({ code: 0, output: '1 true' });
    },
    120_000,
  );
});
