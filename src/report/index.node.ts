export * from './index.js';
export { svgToPng } from './raster.node.js';
export { TensorBoardWriter } from './tensorboard.node.js';
