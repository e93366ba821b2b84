import { create } from './dom.js';
import { IMAGE_SHAPE } from './twill.js';

const [, HEIGHT, WIDTH] = IMAGE_SHAPE;

/**
 * A canvas with one image of the data set. Ink on paper: black, as opaque as the pixel is bright; the style sheet
 * inverts it where the paper is dark.
 */
export function picture(pixels: ArrayLike<number>, description: string): HTMLCanvasElement {
  const canvas = create('canvas', { class: 'picture', width: WIDTH, height: HEIGHT, role: 'img' });
  canvas.setAttribute('aria-label', description);
  drawPicture(canvas, pixels);
  return canvas;
}

/** Draws 28x28 bytes, 0 to 255. */
export function drawPicture(canvas: HTMLCanvasElement, pixels: ArrayLike<number>): void {
  const data = new ImageData(WIDTH, HEIGHT);
  for (let i = 0; i < pixels.length; i++) data.data[4 * i + 3] = pixels[i]!;
  canvas.getContext('2d')!.putImageData(data, 0, 0);
}
