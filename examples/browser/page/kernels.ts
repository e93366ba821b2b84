import { byId, create } from './dom.js';
import type { Module } from './twill.js';

/** The first convolution's filters, as pictures: one colour for weights above zero, another for those below. */
export class Kernels {
  readonly #box = byId('kernels', HTMLElement);
  #canvases: HTMLCanvasElement[] = [];
  #model: Module | undefined;

  constructor() {
    // The colours are read from the style sheet when they are drawn.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw(this.#model));
  }

  draw(model: Module | undefined): void {
    this.#model = model;
    const weight = model?.parameters().find(({ shape }) => shape.length === 4);
    if (!weight) return;
    const [count, channels, height, width] = weight.shape as [number, number, number, number];
    const values = weight.read();
    const size = channels * height * width;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const [plus, minus] = [colorOf(this.#box, '--plus'), colorOf(this.#box, '--minus')];
    this.#prepare(count, height, width);
    this.#canvases.forEach((canvas, index) => {
      const data = new ImageData(width, height);
      for (let i = 0; i < height * width; i++) {
        const value = values[index * size + i]!;
        data.data.set(value >= 0 ? plus : minus, 4 * i);
        data.data[4 * i + 3] = Math.round((255 * Math.abs(value)) / largest);
      }
      canvas.getContext('2d')!.putImageData(data, 0, 0);
    });
  }

  #prepare(count: number, height: number, width: number): void {
    const [first] = this.#canvases;
    if (this.#canvases.length === count && first?.height === height && first.width === width) return;
    this.#canvases = Array.from({ length: count }, () =>
      create('canvas', { width, height, 'aria-hidden': 'true' }),
    );
    this.#box.replaceChildren(...this.#canvases);
    this.#box.ariaLabel = `The ${count} filters of the first layer, ${height} by ${width} weights each`;
  }
}

/** A custom property of the form `r g b`. */
function colorOf(element: Element, property: string): number[] {
  return getComputedStyle(element).getPropertyValue(property).trim().split(/\s+/).map(Number);
}
