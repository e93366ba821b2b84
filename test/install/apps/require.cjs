const { Conv2d, loadBackend } = require('twill');
const { ImageDataset } = require('twill/data');
const { historySvg } = require('twill/report');
const { TrainingWorker } = require('twill/worker');

loadBackend().then((backend) => {
  const loaded = [Conv2d, ImageDataset, historySvg, TrainingWorker].every((it) => typeof it === 'function');
  console.log(JSON.stringify({ ...backend.info(), loaded }));
});
