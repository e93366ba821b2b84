export { type FashionMnistOptions, fashionMnist } from './fashion-mnist.node.js';
export { loadIdx } from './idx.node.js';
export { type ImageFolderOptions, loadImageFolder } from './image-folder.node.js';
export * from './index.js';
