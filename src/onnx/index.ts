export { type ExportOnnxOptions, exportOnnx } from './export.js';
