// The script of a thread in Node.
import { parentPort, workerData } from 'node:worker_threads';
import { type Membership, work } from './thread.js';

const port = parentPort;
if (!port) throw new Error('this file is the script of a thread that src/backend/wasm_team.ts starts');
work(workerData as Membership, (word) => port.postMessage(word));
