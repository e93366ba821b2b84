import { WorkerError } from '../errors.js';
import type { Channel, ChannelEvents, Spawn } from './spawn.js';

/** Bundlers find the script by this very expression. */
const start = (): Worker =>
  new Worker(new URL('./worker.browser.js', import.meta.url), { type: 'module', name: 'twill' });

export const browserSpawn: Spawn = (events) => channelOf(startOrExplain(), events);

function startOrExplain(): Worker {
  try {
    return start();
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
    terminate: () => worker.terminate(),
    keepAlive: () => {},
  };
}
