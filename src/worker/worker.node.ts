import { parentPort } from 'node:worker_threads';
import { nodePlatform } from '../platform.node.js';
import { installPlatform } from '../platform.js';
import { serve } from './serve.js';

installPlatform(nodePlatform);

const port = parentPort;
if (!port) throw new Error('this file is the script of a worker: use TrainingWorker.start() of twill/worker');
port.on(
  'message',
  serve((message, transfer) => port.postMessage(message, transfer)),
);
