// Only workers load the backend, two at the same time.
import { TrainingWorker } from 'twill/worker';

const [first, second] = await Promise.all([TrainingWorker.start(), TrainingWorker.start()]);
console.log(JSON.stringify({ worker: first.info().backend, second: second.info().backend }));
await Promise.all([first.close(), second.close()]);
