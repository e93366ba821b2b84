export { type WorkerFitOptions, WorkerFitRun } from './fit-run.js';
export { WorkerPredictor, type WorkerPredictorOptions } from './predictor.js';
export { WorkerTrainer, type WorkerTrainerOptions } from './trainer.js';
export {
  TrainingWorker,
  type TrainingWorkerOptions,
  type WorkerEvaluateOptions,
  type WorkerPredictOptions,
} from './training-worker.js';
