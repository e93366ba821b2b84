import type { BackendInfo } from '../backend/backend.js';
import type { DatasetSender } from './dataset-sender.js';
import type { Line } from './line.js';

/** A worker that is up, as those see it who work with it. */
export interface Site {
  readonly line: Line;
  readonly datasets: DatasetSender;
  /** What it computes with. */
  readonly info: BackendInfo;
}
