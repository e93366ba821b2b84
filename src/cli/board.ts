import type { EpochResult } from '../index.node.js';

/** Where `--tensorboard` has epochs written; nowhere without it. */
export interface Board {
  epoch(result: EpochResult): Promise<void>;
  close(): Promise<void>;
}

/** @throws DataError where nothing can be written into the directory */
export async function openBoard(directory: string | undefined): Promise<Board> {
  if (directory === undefined) return { async epoch() {}, async close() {} };
  const { TensorBoardWriter } = await import('../report/index.node.js');
  const writer = await TensorBoardWriter.open(directory);
  return {
    epoch: ({ epoch, ...result }) =>
      writer.scalars(epoch, {
        cost: result.cost,
        'loss/train': result.loss,
        ...(result.validationLoss !== undefined && { 'loss/validation': result.validationLoss }),
        'accuracy/train': result.trainAccuracy,
        'accuracy/validation': result.accuracy,
        lr: result.lr,
        'time/training': result.seconds,
        'time/validation': result.evalSeconds,
      }),
    close: () => writer.close(),
  };
}
