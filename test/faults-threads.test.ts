import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { dist, runChild } from './child.js';

// A system that grants no more threads. A limit binds nobody with root's rights, so it takes a user of one's own: with
// a number that no other process has, for the limit is on all that a user runs.

const can = ([command, ...rest]: readonly string[]) => spawnSync(command!, rest).status === 0;
const user = String(1_000_000 + process.pid);
const asSomebody = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
// Nor may somebody read every place in which this checkout may be.
const load = [process.execPath, '--input-type=module', '-e', `import '${dist}index.node.js'`];
const mayRun = process.platform === 'linux' && can(['prlimit', '--version']) && can([...asSomebody, ...load]);

/** `refuse(more)` has the system grant so many threads beyond those that there are. */
const PREAMBLE = `
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import * as twill from 'twill';
const { Conv2d, Flatten, Generator, Linear, loadBackend, ReLU, Sequential, SGD, toBytes, Trainer } = twill;
const refuse = (more) => {
  const limit = readdirSync('/proc/self/task').length + more;
  spawnSync('prlimit', ['--pid', String(process.pid), '--nproc=' + limit + ':' + limit]);
};
const images = Uint8Array.from({ length: 784 * 64 }, (_, at) => (at * 7919) % 256);
const labels = Uint8Array.from({ length: 64 }, (_, at) => at % 10);
const trainerOn = (backend) => {
  const generator = new Generator(1);
  const model = new Sequential(new Conv2d(1, 32, 5, { padding: 2, generator }), new ReLU(), new Flatten(),
    new Linear(32 * 784, 10, { generator }));
  const trainer = new Trainer(model, { inputShape: [1, 28, 28], optimizer: new SGD({ lr: 0.001 }), backend });
  return { model, trainer, backend };
};
const expected = trainerOn(await loadBackend({ threads: 1 }));
expected.trainer.stepSync(images, labels);
const agrees = ({ model }) => Buffer.compare(toBytes(model), toBytes(expected.model)) === 0;
process.removeAllListeners('warning'); // Node's own, which prints more than that
process.on('warning', ({ name, message }) => console.log(name + ':', message));
`;

const run = (script: string) => runChild(PREAMBLE + script, { before: asSomebody });

describe.skipIf(!mayRun)('a system that refuses threads', () => {
  it.each([
    [0, 1],
    [1, 2],
  ])('and grants %s: a team is smaller, says so once and computes the same', async (more, threads) => {
    const { code, output } = await run(`
      refuse(${more});
      const { model, trainer, backend } = trainerOn(await loadBackend({ backend: 'native', threads: 3 }));
      console.log(backend.info().threads, backend.info().fallbacks.join());
      trainer.stepSync(images, labels);
      console.log(agrees({ model }), backend.info().threads);
      for (let i = 0; i < 3; i++) trainer.stepSync(images, labels);
      await trainer.step(images, labels);
      console.log(trainer.steps);`);
    const team = threads === 1 ? '1 thread' : `${threads} threads`;
    const why =
      'the system refuses more (a limit on processes, `ulimit -u`, ' +
      "a cgroup's pids.max, or no memory for their stacks)";
    expect(output.split('\n')).toEqual([
      `${threads} ${team}: ${why}`,
      `true ${threads}`,
      '5',
      `TwillWarning: twill computes with ${team}: ${why}`,
    ]);
    expect(code).toBe(0);
  });

  it('leaves a team that is there, and one that has to be called anew gets what there is', async () => {
    const { code, output } = await run(`
      const one = trainerOn(await loadBackend({ backend: 'native', threads: 3 }));
      one.trainer.stepSync(images, labels);
      refuse(0);
      one.trainer.stepSync(images, labels);
      console.log(one.backend.info().threads);
      const other = trainerOn(await loadBackend({ backend: 'native', threads: 5 }));
      other.trainer.stepSync(images, labels);
      console.log(other.backend.info().threads, agrees(other));
      await other.trainer.step(images, labels); // no thread to do it on
      console.log(other.trainer.steps);`);
    expect(output).toMatch(/^3\n3 true\n2\nTwillWarning: twill computes with 3 threads: .+$/);
    expect(code).toBe(0);
  });

  it('to several workers at once: each has a team of its own, of what was left to it', async () => {
    const { code, output } = await run(`
      const script = \`import { parentPort, workerData } from 'node:worker_threads';
        const { Conv2d, Flatten, Linear, loadBackend, Sequential, SGD, Trainer } = await import(workerData);
        const backend = await loadBackend({ backend: 'native', threads: 4 });
        const model = new Sequential(new Conv2d(1, 32, 5), new Flatten(), new Linear(32 * 576, 10));
        const trainer = new Trainer(model, { inputShape: [1, 28, 28], optimizer: new SGD(), backend });
        parentPort.postMessage('ready');
        parentPort.once('message', () => {
          for (let i = 0; i < 40; i++) {
            trainer.stepSync(new Uint8Array(784 * 64), new Uint8Array(64));
            trainer.stepSync(new Uint8Array(784), new Uint8Array(1)); // a smaller team: the others end
          }
          parentPort.postMessage(backend.info().threads);
        });\`;
      const url = new URL('data:text/javascript,' + encodeURIComponent(script));
      const workers = [1, 2, 3].map(() => new Worker(url, { workerData: ${JSON.stringify(`${dist}index.node.js`)} }));
      const heard = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await Promise.all(workers.map(heard));
      refuse(3);
      for (const worker of workers) worker.postMessage('go');
      const threads = await Promise.all(workers.map(heard));
      console.log(threads.length, threads.every((some) => some >= 1 && some <= 4));`);
    expect(output).toMatch(/^3 true$/m);
    expect(code).toBe(0);
  });

  it('on WebAssembly: one thread, with the reason', async () => {
    const { code, output } = await run(`
      refuse(0);
      const { trainer, backend } = trainerOn(await loadBackend({ backend: 'wasm', threads: 3 }));
      console.log(backend.info().threads, backend.info().fallbacks.join());
      console.log((await trainer.step(images, labels)).loss > 0);`);
    expect(output).toMatch(/^1 one thread: .+\ntrue$/);
    expect(code).toBe(0);
  });

  it('to a TrainingWorker: an error by name', async () => {
    const { code, output } = await run(`
      const { TrainingWorker } = await import('${dist}worker/index.node.js');
      refuse(0);
      await TrainingWorker.start().catch((error) => console.log(String(error)));`);
    expect(output).toMatch(/^WorkerError: \[TrainingWorker\] Node starts no worker: .+$/);
    expect(code).toBe(0);
  });
});

it.skipIf(mayRun)(
  'threads can be refused by root only, on Linux, where anybody may read this checkout',
  () => {},
);
