/** Side of the drawing. */
export const SIDE = 28;
/** How bright ink is, of 255: about what cloth is in the data set. */
const INK = 220;

export type Tool = 'brush' | 'eraser' | 'fill';

/** 28x28 bytes that are drawn on. Positions are in pixels, the first one's middle at (0.5, 0.5). */
export class Ink {
  readonly pixels = new Uint8Array(SIDE * SIDE);

  clear(): void {
    this.pixels.fill(0);
  }

  /** Draws a round dot with a soft edge; the eraser takes away. */
  dot(x: number, y: number, tool: 'brush' | 'eraser'): void {
    const radius = tool === 'brush' ? 1.1 : 1.6;
    for (let row = Math.floor(y - radius - 1); row <= y + radius + 1; row++) {
      for (let column = Math.floor(x - radius - 1); column <= x + radius + 1; column++) {
        if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) continue;
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const strength = Math.min(1, Math.max(0, radius + 0.5 - distance));
        const at = row * SIDE + column;
        const before = this.pixels[at]!;
        this.pixels[at] = tool === 'brush' ? Math.max(before, INK * strength) : before * (1 - strength);
      }
    }
  }

  line(from: readonly [number, number], to: readonly [number, number], tool: 'brush' | 'eraser'): void {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let step = 0; step <= steps; step++) {
      const part = step / steps;
      this.dot(from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1]), tool);
    }
  }

  /** Fills what is enclosed by darker ink around a position. */
  fill(x: number, y: number): void {
    const isPaper = (at: number) => this.pixels[at]! < INK / 2;
    const start = Math.floor(y) * SIDE + Math.floor(x);
    const open = isPaper(start) ? [start] : [];
    const reached = new Set(open);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const column = at % SIDE;
      const beside = [at - SIDE, at + SIDE, column > 0 ? at - 1 : -1, column < SIDE - 1 ? at + 1 : -1];
      for (const next of beside) {
        if (next < 0 || next >= this.pixels.length || reached.has(next) || !isPaper(next)) continue;
        reached.add(next);
        open.push(next);
      }
    }
    for (const at of reached) this.pixels[at] = INK;
  }
}
