import { WorkerError } from '../errors.js';
import type { Channel, ChannelEvents, Spawn } from './spawn.js';

/**
 * Starts workers with `start`, by default on its own script; `question` is what to look into where a worker dies and
 * browsers do not say of what.
 */
export function workerSpawn(start: (script?: string | URL) => Worker, question: string): Spawn {
  return (script, events) => {
    let worker: Worker;
    try {
      worker = start(script);
    } catch (error) {
      throw new WorkerError(`[TrainingWorker] the browser starts no worker: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return channelOf(worker, events, question);
  };
}

function channelOf(worker: Worker, { message, failure }: ChannelEvents, question: string): Channel {
  worker.addEventListener('message', ({ data }) => message(data));
  worker.addEventListener('messageerror', () => failure(new Error('a message could not be read')));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    // Without a message the script itself is what failed.
    failure(new Error(event.message || `its script cannot be loaded: ${question}`));
  });
  return {
    post: (data, transfer) => worker.postMessage(data, transfer),
    terminate: async () => worker.terminate(),
    keepAlive: () => {},
  };
}
