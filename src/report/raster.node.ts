import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

const require = createRequire(import.meta.url);

let ready: Promise<Uint8Array[]> | undefined;

/** Loads the rasteriser and its fonts once; a failed attempt may be repeated. */
function prepare(): Promise<Uint8Array[]> {
  ready ??= (async () => {
    const read = (path: string) => readFile(require.resolve(path));
    const [wasm, ...fonts] = await Promise.all([
      read('@resvg/resvg-wasm/index_bg.wasm'),
      read('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
      read('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
    ]);
    await initWasm(wasm);
    return fonts;
  })().catch((error) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

/**
 * Draws an SVG document as a PNG file's bytes. Text is set in DejaVu Sans, which comes with the package, so the
 * picture is the same on a machine without fonts.
 * @param zoom pixels of the PNG per pixel of the SVG, default 2
 */
export async function svgToPng(svg: string, zoom = 2): Promise<Uint8Array> {
  const fontBuffers = await prepare();
  const drawing = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: zoom },
    font: { fontBuffers, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' },
  });
  try {
    const image = drawing.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    drawing.free();
  }
}
