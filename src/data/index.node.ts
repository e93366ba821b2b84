export { type FashionMnistOptions, fashionMnist } from './fashion-mnist.node.js';
export { loadIdx } from './idx.node.js';
export * from './index.js';
