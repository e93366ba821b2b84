import {
  Conv2d,
  CrossEntropyLoss,
  Flatten,
  Linear,
  Sequential,
  SGD,
  fit,
  load,
  save,
  type History,
} from 'twill';
import { type Dataset, fashionMnist, loadIdx } from 'twill/data';
import { historySvg } from 'twill/report';
import { TrainingWorker } from 'twill/worker';

export async function train(data: Dataset): Promise<History> {
  const model = new Sequential(new Conv2d(1, 4, 3), new Flatten(), new Linear(4 * 26 * 26, 10));
  const options = { epochs: 1, loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) };
  await (await TrainingWorker.start()).fit(model, data, options).finish();
  const history = await fit(model, data, options).finish();
  await save(model, 'model.safetensors');
  await load(model, 'model.safetensors');
  return history;
}

export const sources = [fashionMnist, loadIdx, historySvg] as const;

// @ts-expect-error a kernel's size is a number or a pair of them
export const wrong = new Conv2d(1, 4, 'three');
