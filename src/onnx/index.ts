export { type ExportOnnxOptions, exportOnnx } from './export.js';
export { type ImportOnnxOptions, importOnnx } from './import.js';
