import { WorkerError } from '../errors.js';
import type { Channel, ChannelEvents, Spawn } from './spawn.js';

export const browserSpawn: Spawn = (script, events) => channelOf(start(script), events);

function start(script: string | URL | undefined): Worker {
  try {
    if (script !== undefined) return new Worker(script, { type: 'module', name: 'twill' });
    // Bundlers find the script by this very expression.
    return new Worker(new URL('./worker.browser.js', import.meta.url), { type: 'module', name: 'twill' });
  } catch (error) {
    throw new WorkerError(`[TrainingWorker] the browser starts no worker: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function channelOf(worker: Worker, { message, failure }: ChannelEvents): Channel {
  worker.addEventListener('message', ({ data }) => message(data));
  worker.addEventListener('messageerror', () => failure(new Error('a message could not be read')));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    // Without a message the script itself is what failed, and browsers do not say how.
    failure(
      new Error(
        event.message ||
          "its script cannot be loaded: is worker.browser.js beside the page's script, served as JavaScript, " +
            'and allowed by the content security policy (worker-src)?',
      ),
    );
  });
  return {
    post: (data, transfer) => worker.postMessage(data, transfer),
    terminate: async () => worker.terminate(),
    keepAlive: () => {},
  };
}
