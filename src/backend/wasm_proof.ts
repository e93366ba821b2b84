import type { Backend, Executable, Memory } from './backend.js';
import { NotFusedError } from './wasm_choice.js';
import type { Exports } from './wasm_module.js';

/** Throws unless a * b + c is rounded once. */
export function proveFused({ multiply_add }: Exports): void {
  // The square is 1 + 2^-11 + 2^-24, whose last term no float32 can hold beside the first.
  const factor = 1 + 2 ** -12;
  if (multiply_add(factor, factor, -(1 + 2 ** -11)) !== 2 ** -24) {
    throw new NotFusedError('relaxed SIMD multiplies and adds in two steps on this machine');
  }
}

/** A 3x3 convolution of small whole numbers, which float32 holds exactly however they are added, and then a ReLU. */
const IMAGES = 32;
const SIZE = 6;
const [IC, OC, K] = [3, 6, 3];
const X = IC * SIZE * SIZE;
const Y = OC * SIZE * SIZE;
const digit = (i: number) => ((i * 7 + (i >> 3)) % 9) - 4;

function expected(): Float32Array {
  const y = new Float32Array(IMAGES * Y);
  y.forEach((_, at) => {
    const [image, oh, ow, oc] = [
      Math.floor(at / Y),
      Math.floor((at % Y) / OC / SIZE),
      Math.floor(at / OC) % SIZE,
      at % OC,
    ];
    let sum = 0;
    for (let tap = 0; tap < K * K; tap++) {
      const [h, w] = [oh + Math.floor(tap / K) - 1, ow + (tap % K) - 1];
      if (h < 0 || w < 0 || h >= SIZE || w >= SIZE) continue;
      for (let ic = 0; ic < IC; ic++) {
        sum += digit(image * X + (h * SIZE + w) * IC + ic) * digit((tap * IC + ic) * OC + oc);
      }
    }
    y[at] = Math.max(0, sum);
  });
  return y;
}

/** A run whose result is known. `threads` is how many it is for. */
export class Proof {
  readonly executable: Executable;
  readonly images = IMAGES;
  readonly #memory: Memory;
  readonly #yOffset: number;

  constructor(backend: Backend, threads: number) {
    const floats = [IMAGES * X, K * K * IC * OC, IMAGES * Y];
    const units = floats.map((count) => Math.ceil(count / 16));
    const offsets = [0, units[0]!, units[0]! + units[1]!];
    this.#yOffset = offsets[2]! * 64;
    this.#memory = backend.allocate(this.#yOffset + units[2]! * 64);
    for (const operand of [0, 1]) {
      this.#memory.write(
        Float32Array.from({ length: floats[operand]! }, (_, i) => digit(i)),
        offsets[operand]! * 64,
      );
    }
    const sizes: Record<string, number> = {
      IC,
      OC,
      IH: SIZE,
      IW: SIZE,
      OH: SIZE,
      OW: SIZE,
      KH: K,
      KW: K,
      pad_h: 1,
      pad_w: 1,
      size: Y,
      relu: 0,
    };
    const stage = (kernel: string, operands: number[]) => {
      const { id, params } = backend.kernels.get(kernel)!;
      // A stage of images with one call; what is not listed is a stride, a dilation or a count of groups.
      return [
        0,
        0,
        1,
        id,
        params.length,
        operands.length,
        ...params.map((name) => sizes[name] ?? 1),
        ...operands,
      ];
    };
    // The words of native/runtime/program.h: so much work that all threads take part.
    const words = [
      ...[0x4c575431, 0, IMAGES, 16, 1, threads, 2 ** 31 - 1, 1, 3, 2],
      ...units.flatMap((count, i) => [0, offsets[i]!, count, 0, 0, 0]),
      ...stage('conv2d_forward', [0, 1, -1, 2]),
      ...stage('relu_forward', [2, 2]),
    ];
    words[1] = words.length;
    this.executable = backend.load(Int32Array.from(words), [this.#memory]);
  }

  /** Throws where the result of the last run is wrong. */
  check(): void {
    const y = new Float32Array(IMAGES * Y);
    this.#memory.read(y, this.#yOffset);
    const wrong = expected().findIndex((value, i) => value !== y[i]);
    if (wrong >= 0) throw new Error(`it computes ${y[wrong]} where ${expected()[wrong]} is right`);
  }

  dispose(): void {
    this.executable.dispose();
    this.#memory.dispose();
  }
}
