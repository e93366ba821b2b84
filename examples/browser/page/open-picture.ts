import { prepareImage } from './twill.js';
import { SIDE } from './ink.js';

/** Longer side to which a photo is reduced before its pixels are looked at: enough for 28, and quickly done. */
const WORKING_SIDE = 280;

/**
 * A picture file as the network wants it, prepared as `twill predict` does: light on black, cut to what it shows.
 * Throws where the browser cannot read it.
 */
export async function openPicture(file: Blob): Promise<{ pixels: Uint8Array; steps: readonly string[] }> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file instanceof File ? file.name : 'that'} is no picture that this browser can read`);
  });
  const scale =
    bitmap.width === SIDE && bitmap.height === SIDE
      ? 1
      : WORKING_SIDE / Math.max(bitmap.width, bitmap.height);
  const width = Math.max(1, Math.round(bitmap.width * Math.min(1, scale)));
  const height = Math.max(1, Math.round(bitmap.height * Math.min(1, scale)));
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return prepareImage({ width, height, grey: greyOf(data) }, SIDE);
}

/** Luma (ITU-R BT.601); what is transparent shows white behind dark and black behind light. */
function greyOf(rgba: Uint8ClampedArray): Float32Array {
  const count = rgba.length / 4;
  const grey = new Float32Array(count);
  let [opaque, light] = [0, 0];
  for (let i = 0; i < count; i++) {
    const [red, green, blue, alpha] = rgba.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    grey[i] = 0.299 * red + 0.587 * green + 0.114 * blue;
    opaque += alpha;
    light += alpha * grey[i]!;
  }
  const behind = light < 127.5 * opaque ? 255 : 0;
  return grey.map((value, i) => {
    const alpha = rgba[4 * i + 3]! / 255;
    return value * alpha + behind * (1 - alpha);
  });
}
