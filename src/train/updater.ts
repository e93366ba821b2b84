import type { Backend, Memory } from '../backend/backend.js';
import { OptionError } from '../errors.js';
import type { Parameter } from '../graph/parameter.js';
import type { ParameterBlock } from '../graph/placement.js';
import type { UpdateEmitter, UpdateRequest } from '../graph/update.js';
import type { Module, StateDict } from '../nn/module.js';
import { unpack } from '../ops/packing.js';
import { AVERAGE, type Averaging, emitAveraging } from '../optim/averaging.js';
import { type Clipping, emitClipping } from '../optim/clipping.js';
import type { Optimizer } from '../optim/optimizer.js';

/** Numbers that a kernel reads, and what they are at a step. */
interface Numbers {
  readonly state: string;
  values(step: number): Float32Array;
}

/** How a trainer changes the weights: clipping, the optimizer, the average; and the memory of what they keep. */
export class Updater {
  readonly #backend: Backend;
  readonly #model: Module;
  readonly #optimizer: Optimizer;
  readonly #clipping: Clipping;
  readonly #averaging: Required<Averaging> | undefined;
  /** What is written before each step, and what there is a float of for each trainable parameter. */
  readonly #numbers = new Map<string, Memory>();
  readonly #states = new Map<string, Memory>();
  #block: ParameterBlock | undefined;
  #written: readonly Numbers[] = [];

  /** Throws `OptionError` for a group of the optimizer that names no parameter of the model. */
  constructor(
    backend: Backend,
    model: Module,
    optimizer: Optimizer,
    clipping: Clipping,
    averaging: Required<Averaging> | undefined,
  ) {
    optimizer.checkGroups([...model.namedParameters()].map(([path]) => path));
    this.#backend = backend;
    this.#model = model;
    this.#optimizer = optimizer;
    this.#clipping = clipping;
    this.#averaging = averaging;
  }

  /** What a training program does after its gradients. */
  get request(): UpdateRequest {
    const groups = new Map(
      [...this.#model.namedParameters()].map(([path, one]) => [one, this.#optimizer.groupOf(path)]),
    );
    return {
      groupOf: (parameter) => groups.get(parameter) ?? 0,
      emit: (update) => this.#emit(update),
      state: (name, bytes, block) => this.#memory(name, bytes, block),
    };
  }

  /** Writes the numbers of a step, counted from 0. */
  prepare(step: number): void {
    for (const { state, values } of this.#written) this.#numbers.get(state)!.write(values(step));
  }

  /** Whether there are averages: there is averaging, and a step was taken. */
  get averages(): boolean {
    return this.#states.has(AVERAGE);
  }

  /** Exchanges the trainable weights with their averages. */
  exchange(): void {
    const { memory, bytes } = this.#block!;
    const average = this.#states.get(AVERAGE)!;
    const [weights, averages] = [new Uint8Array(bytes), new Uint8Array(bytes)];
    memory.read(weights);
    average.read(averages);
    memory.write(averages);
    average.write(weights);
  }

  /** A state's values by the path of the parameter, in PyTorch's order. */
  read(state: string): StateDict {
    const memory = this.#states.get(state)!;
    return new Map(
      this.#trainable().map(([path, parameter, byteOffset]) => {
        const packed = new Float32Array(parameter.size);
        memory.read(packed, byteOffset);
        return [
          path,
          { shape: parameter.shape, data: unpack(packed, parameter.shape, parameter.placement!.packing) },
        ];
      }),
    );
  }

  /** Frees the states. */
  dispose(): void {
    for (const memory of [...this.#numbers.values(), ...this.#states.values()]) memory.dispose();
    this.#numbers.clear();
    this.#states.clear();
  }

  #emit(update: UpdateEmitter): void {
    const clipping = emitClipping(update, this.#clipping);
    const optimizer = this.#optimizer.emit(update);
    const averaging = this.#averaging && emitAveraging(update, this.#averaging);
    this.#written = [clipping, optimizer, averaging].filter((numbers) => numbers !== undefined);
  }

  /** Trainable parameters with their places in the block. */
  #trainable(): (readonly [string, Parameter, number])[] {
    const { offsets } = this.#block!;
    return [...this.#model.namedParameters()].flatMap(([path, parameter]) => {
      const offset = offsets.get(parameter);
      return offset === undefined ? [] : [[path, parameter, offset] as const];
    });
  }

  #memory(name: string, bytes: number, block: ParameterBlock | undefined): Memory {
    if (block) this.#settle(block);
    const memories = block ? this.#states : this.#numbers;
    const memory = memories.get(name) ?? this.#backend.allocate(bytes);
    memories.set(name, memory);
    return memory;
  }

  /** What is kept has a place for each parameter: another program must have the same ones. */
  #settle(block: ParameterBlock): void {
    const known = this.#block;
    this.#block = block;
    if (!known || known === block) return;
    const same = [...known.offsets].every(([parameter, offset]) => block.offsets.get(parameter) === offset);
    if (same && known.offsets.size === block.offsets.size) return;
    this.#block = known;
    throw new OptionError(
      `[Trainer] ${block.offsets.size} parameters are trainable now but ${known.offsets.size} were before, or ` +
        `others: make a new Trainer where parameters are frozen or freed`,
    );
  }
}
