import { describe, expect, it } from 'vitest';
import type { Backend, Executable, Memory } from '../src/backend/backend.js';
import { recording } from '../src/bench/calls.js';
import {
  BackendError,
  Conv2d,
  Flatten,
  Generator,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
  SGD,
  Trainer,
} from '../src/index.node.js';
import { everyBackend } from './runtime-backends.js';

const MAGIC = 0x4c575431;
const HEADER = {
  words: 1,
  capacity: 2,
  max_slices: 3,
  tile: 4,
  threads: 5,
  kiloflops: 6,
  blocks: 7,
  buffers: 8,
  stages: 9,
};

/** y = relu(x) on two floats an image, capacity 2: x in the first 64 bytes of the only block, y in the next. */
function reluProgram(backend: Backend): Int32Array {
  const relu = backend.kernels.get('relu_forward')!.id;
  const header = [MAGIC, 0, 2, 2, 1, 4, 0, 1, 2, 1];
  const buffers = [0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0];
  const stage = [0, 0, 1, relu, 1, 2, 2, 0, 1];
  const words = [...header, ...buffers, ...stage];
  words[1] = words.length;
  return Int32Array.from(words);
}

/** A step of training that holds nearly every kernel: fused and plain convolution, groups, overlapping pools, Nesterov. */
function trainingProgram(backend: Backend) {
  const recorder = recording(backend);
  const model = new Sequential(
    new Conv2d(2, 6, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(6, 6, [3, 2], { groups: 2, stride: [1, 2], padding: 1 }),
    new MaxPool2d(3, { stride: 1, padding: 1 }),
    new ReLU(),
    new Flatten(),
    new Linear(72, 3),
  );
  const optimizer = new SGD({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 });
  const trainer = new Trainer(model, {
    inputShape: [2, 8, 8],
    optimizer,
    batchSize: 5,
    backend: recorder.backend,
  });
  const generator = new Generator(1);
  const images = Float32Array.from({ length: 5 * 2 * 64 }, () => generator.uniform(-1, 1));
  const step = () => trainer.stepSync(images, [0, 1, 2, 0, 1]);
  step();
  return { step, program: recorder.programs.at(-1)! };
}

describe.each(everyBackend())('%s', (_name, backend) => {
  const load = (words: Int32Array, bytes = 128) => backend.load(words, [backend.allocate(bytes)]);

  it('copies from shared buffers and into them', () => {
    const memory = backend.allocate(64);
    const source = new Float32Array(new SharedArrayBuffer(64), 8, 4).fill(3);
    memory.write(source, 16);
    const target = new Float32Array(new SharedArrayBuffer(32));
    memory.read(target, 8);
    expect([...target]).toEqual([0, 0, 3, 3, 3, 3, 0, 0]);
  });

  it('runs a program on part of its capacity', () => {
    const memory = backend.allocate(128);
    memory.write(new Float32Array([-1, 2, -3, 4]));
    memory.write(new Float32Array([9, 9, 9, 9]), 64);
    backend.load(reluProgram(backend), [memory]).run(1);
    const y = new Float32Array(4);
    memory.read(y, 64);
    expect([...y]).toEqual([0, 2, 9, 9]);
  });

  it('hands out memory that is zero, aligned by use and checked by size', () => {
    const memory = backend.allocate(100);
    expect(memory.bytes).toBe(100);
    const bytes = new Uint8Array(100).fill(7);
    memory.read(bytes);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    memory.write(new Uint8Array([1, 2, 3, 4]).subarray(1, 3), 98);
    memory.read(bytes.subarray(0, 3), 97);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 2, 3, 0]);
    for (const [offset, message] of [
      [99, '[memory] write: 2 bytes at 99 reach past the end of 100 bytes'],
      [2 ** 53 - 1, '[memory] write: 2 bytes at 9007199254740991 reach past the end of 100 bytes'],
      [-1, '[memory] write: the offset must be a whole number of bytes'],
      [0.5, '[memory] write: the offset must be a whole number of bytes'],
      [Number.NaN, '[memory] write: the offset must be a whole number of bytes'],
    ] as const) {
      expect(() => memory.write(new Uint8Array(2), offset)).toThrow(new BackendError(message));
    }
    for (const bytes of [-1, 1.5, Number.NaN, '64' as unknown as number]) {
      expect(() => backend.allocate(bytes)).toThrow(BackendError);
    }
    for (const bytes of [2 ** 53 - 1, 2 ** 52]) {
      expect(() => backend.allocate(bytes)).toThrow(/\[memory\] cannot allocate \d+ bytes/);
    }
  });

  it('refuses arrays that are detached or none, and memory that is disposed or foreign', () => {
    const memory = backend.allocate(64);
    const array = new Float32Array(4);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expect(() => memory.write(array)).toThrow(
      new BackendError("[memory] write: the array's buffer is detached"),
    );
    expect(() => memory.read(array)).toThrow(
      new BackendError("[memory] read: the array's buffer is detached"),
    );
    for (const other of [[1, 2], new DataView(new ArrayBuffer(8)), null, 'text']) {
      expect(() => memory.write(other as unknown as Float32Array)).toThrow(
        new BackendError('[memory] write: expected a typed array'),
      );
    }
    const words = reluProgram(backend);
    for (const foreign of [{}, null, Object.create(Object.getPrototypeOf(memory)), new Float32Array(64)]) {
      expect(() => backend.load(words, [foreign as Memory])).toThrow(
        new BackendError('[memory] expected memory of this backend but got something else'),
      );
    }
    memory.dispose();
    memory.dispose();
    expect(() => memory.write(new Uint8Array(1))).toThrow(new BackendError('[memory] write: was disposed'));
    expect(() => backend.load(words, [memory])).toThrow(new BackendError('[memory] was disposed'));
  });

  it('keeps memory for as long as a program uses it, whoever lets go first', async () => {
    const memory = backend.allocate(128);
    memory.write(new Float32Array([-1, 2, -3, 4]));
    const executable = backend.load(reluProgram(backend), [memory]);
    memory.dispose();
    const others = Array.from({ length: 8 }, () => backend.allocate(128));
    executable.run(2);
    for (const other of others) {
      const bytes = new Uint8Array(128);
      other.read(bytes);
      expect(bytes.every((byte) => byte === 0)).toBe(true);
    }
    executable.dispose();
    executable.dispose();
    expect(() => executable.run(1)).toThrow(new BackendError('[program] was disposed'));
    await expect(executable.runAsync(1)).rejects.toThrow(new BackendError('[program] was disposed'));
  });

  it('refuses a batch that the program has no room for', async () => {
    const executable = load(reluProgram(backend));
    for (const batch of [0, 3, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
      const message = `[program] the batch must be a whole number from 1 to 2 but is ${batch}`;
      expect(() => executable.run(batch)).toThrow(new BackendError(message));
      await expect(executable.runAsync(batch)).rejects.toThrow(new BackendError(message));
    }
  });

  it('runs asynchronously in order, and reads and writes between two runs', async () => {
    const memory = backend.allocate(128);
    const executable = backend.load(reluProgram(backend), [memory]);
    const seen: number[] = [];
    const runs: Promise<void>[] = [];
    for (let i = 1; i <= 20; i++) {
      memory.write(new Float32Array([i]));
      runs.push(executable.runAsync(1).then(() => void seen.push(i)));
      const y = new Float32Array(1);
      if (i % 3 === 0) {
        memory.read(y, 64);
        expect(y[0]).toBe(i);
      }
    }
    await Promise.all(runs);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('says in one sentence what is wrong with a program', () => {
    const changed = (index: number, value: number) => reluProgram(backend).with(index, value);
    const cases: [Int32Array, RegExp][] = [
      [new Int32Array(0), /\[program\] ends after 0 words/],
      [changed(0, 1), /\[program\] begins with 1 and not with 1280791601/],
      [changed(HEADER.words, 7), /the number of words must be from 31 to 31 but is 7/],
      [changed(HEADER.capacity, 0), /the capacity must be from 1 to 2147483647 but is 0/],
      [changed(HEADER.capacity, 9), /\[relu_forward\] operand x needs 72 bytes but its buffer holds 64/],
      [changed(HEADER.blocks, 2), /the number of blocks must be from 1 to 1 but is 2/],
      [changed(17, 2), /\[program\] buffer 1 ends at 3 units of 64 bytes but its block holds 2/],
      [changed(25, 99), /a call's kernel must be from 0 to \d+ but is 99/],
      [changed(26, 2), /\[relu_forward\] expected 1 parameter words but got 2/],
      [changed(27, 3), /\[relu_forward\] expected 2 operands but got 3/],
      [changed(28, 0), /\[relu_forward\] parameter size does not go with the others \(size = 0\)/],
      [
        changed(28, 2 ** 31 - 1),
        /\[relu_forward\] operand x needs 17179869176 bytes but its buffer holds 64/,
      ],
      [changed(29, -1), /\[relu_forward\] operand x has buffer -1 of 2/],
      [changed(22, 1), /\[relu_forward\] is in stage 0 of another domain/],
      [changed(22, 3), /a stage's domain must be from 0 to 2 but is 3/],
      [changed(22, 2), /a stage's bands must be from 1 to 64 but is 0/],
    ];
    for (const [words, message] of cases) {
      expect(() => load(words)).toThrow(BackendError);
      expect(() => load(words)).toThrow(message);
    }
  });

  it('refuses or survives any program with a word changed or its end cut off', () => {
    const { program, step } = trainingProgram(backend);
    // Memory of its own: a program that is accepted may overwrite all of it, with whatever the last one left there.
    const memories = program.memories.map(({ bytes }) => backend.allocate(bytes));
    const attempt = (words: Int32Array) => {
      let executable: Executable;
      try {
        executable = backend.load(words, memories);
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        return false;
      }
      executable.run(words[HEADER.capacity]!);
      executable.dispose();
      return true;
    };
    expect(attempt(program.words)).toBe(true);
    for (let length = 0; length < program.words.length; length++) {
      expect(attempt(program.words.slice(0, length))).toBe(false);
    }
    const generator = new Generator(2);
    let accepted = 0;
    for (let i = 0; i < program.words.length; i++) {
      const word = program.words[i]!;
      const others = [0, 1, -1, word + 1, word - 1, 2 * word, 2 ** 31 - 1, -(2 ** 31), generator.integer(64)];
      for (const other of new Set(others)) {
        if (other !== word && attempt(program.words.with(i, other))) accepted++;
      }
    }
    expect(accepted).toBeGreaterThan(0);
    expect(Number.isFinite(step().loss)).toBe(true);
  });
});
