import { existsSync } from 'node:fs';
import { SHARE_ENV, Worker } from 'node:worker_threads';
// Before workers are made: they inherit the memory of the warnings that were given.
import '../warnings.node.js';
import { WorkerError } from '../errors.js';
import type { Spawn } from './spawn.js';

/** From dist/worker, and from src/worker in a clone. */
const CANDIDATES = ['./worker.node.js', '../../dist/worker/worker.node.js'].map(
  (path) => new URL(path, import.meta.url),
);

export const nodeSpawn: Spawn = (script, { message, failure }) => {
  const url = script ?? CANDIDATES.find((one) => existsSync(one)) ?? CANDIDATES[0]!;
  const worker = start(url);
  worker.on('message', message);
  worker.on('messageerror', failure);
  worker.on('error', failure);
  worker.on('exit', (code) => failure(new Error(`it ended with code ${code}`)));
  return {
    post: (data, transfer) => worker.postMessage(data, transfer),
    terminate: () => worker.terminate(),
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
  };
};

function start(url: string | URL): Worker {
  try {
    return new Worker(url, {
      name: 'twill',
      // With an environment of its own the worker could not tell libgomp how long to spin
      // (src/backend/native.node.ts), and where threads outnumber idle processors a step then takes many times as long.
      env: SHARE_ENV,
      // The process's own flags are for its own script: a worker refuses some of them (--input-type).
      execArgv: [],
    });
  } catch (error) {
    throw new WorkerError(`[TrainingWorker] Node starts no worker: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
