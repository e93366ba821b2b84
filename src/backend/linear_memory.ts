import { BackendError, OutOfMemoryError } from '../errors.js';

const PAGE = 65536;
const ALIGNMENT = 64;
const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

interface Gap {
  address: number;
  bytes: number;
}

/** Bytes of a module's memory that several holders share; they return to the heap with the last one. */
export interface Allocation {
  readonly address: number;
  readonly bytes: number;
  readonly retain: () => void;
  readonly release: () => void;
}

/**
 * Hands out the memory of a module above `base`, 64-byte aligned and zeroed, and grows it when it runs out. First fit
 * over gaps in address order: a program's few large blocks come and go as wholes.
 */
export class LinearMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #maximum: number;
  /** Below the top, in the order of addresses; no two touch. */
  readonly #gaps: Gap[] = [];
  /** End of what is in use. */
  #top: number;
  /** End of what ever was in use: memory above it is still zero. */
  #touched: number;

  /** `maximum`: bytes that the memory may grow to. */
  constructor(memory: WebAssembly.Memory, base: number, maximum = 2 ** 32) {
    this.#memory = memory;
    this.#maximum = maximum;
    this.#top = roundUp(base, ALIGNMENT);
    this.#touched = this.#top;
  }

  /** Bytes at `address`, seen through the buffer of this moment: growth detaches earlier views. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }

  words(address: number, length: number): Int32Array {
    return new Int32Array(this.#memory.buffer, address, length);
  }

  /** The text that ends with a zero byte at `address`. */
  text(address: number): string {
    const from = new Uint8Array(this.#memory.buffer, address);
    // A copy: what is shared is not decoded.
    return new TextDecoder().decode(from.slice(0, from.indexOf(0)));
  }

  allocate(bytes: number): Allocation {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new BackendError(`[memory] expected a whole number of bytes but got ${bytes}`);
    }
    const size = Math.max(ALIGNMENT, roundUp(bytes, ALIGNMENT));
    const address = this.#fromGap(size) ?? this.#fromTop(size);
    let holders = 1;
    return {
      address,
      bytes,
      retain: () => {
        holders++;
      },
      release: () => {
        if (--holders === 0) this.#free({ address, bytes: size });
      },
    };
  }

  #fromGap(size: number): number | undefined {
    const index = this.#gaps.findIndex((gap) => gap.bytes >= size);
    if (index < 0) return undefined;
    const gap = this.#gaps[index]!;
    const { address } = gap;
    gap.address += size;
    gap.bytes -= size;
    if (gap.bytes === 0) this.#gaps.splice(index, 1);
    this.bytes(address, size).fill(0);
    return address;
  }

  #fromTop(size: number): number {
    const address = this.#top;
    const missing = address + size - this.#memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.#memory.grow(Math.ceil(missing / PAGE));
      } catch {
        const held = this.#memory.buffer.byteLength;
        throw new OutOfMemoryError(
          `[memory] cannot allocate ${size} bytes: WebAssembly memory holds ${held} of at most ${this.#maximum} bytes`,
          size,
        );
      }
    }
    this.#top = address + size;
    const used = Math.min(this.#touched, this.#top) - address;
    if (used > 0) this.bytes(address, used).fill(0);
    this.#touched = Math.max(this.#touched, this.#top);
    return address;
  }

  #free(freed: Gap): void {
    let index = this.#gaps.findIndex((gap) => gap.address > freed.address);
    if (index < 0) index = this.#gaps.length;
    this.#gaps.splice(index, 0, freed);
    this.#join(index);
    this.#join(index - 1);
    const last = this.#gaps.at(-1)!;
    if (last.address + last.bytes === this.#top) {
      this.#top = last.address;
      this.#gaps.pop();
    }
  }

  /** Makes one gap of two that touch. */
  #join(index: number): void {
    const [gap, next] = [this.#gaps[index], this.#gaps[index + 1]];
    if (!gap || !next || gap.address + gap.bytes !== next.address) return;
    gap.bytes += next.bytes;
    this.#gaps.splice(index + 1, 1);
  }
}
