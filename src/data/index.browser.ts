export { type FashionMnistOptions, fashionMnist } from './fashion-mnist.browser.js';
export { loadIdx } from './idx.browser.js';
export * from './index.js';
