export * from './index.js';
export { svgToPng } from './raster.node.js';
