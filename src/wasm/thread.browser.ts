// The script of a thread in a browser.
import { type Membership, work } from './thread.js';

self.onmessage = ({ data }: MessageEvent<Membership>) => work(data, (word) => self.postMessage(word));
