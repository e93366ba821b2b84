import type { Backend, Memory } from '../backend/backend.js';
import { OptionError, ShapeError } from '../errors.js';
import type { Parameter } from '../graph/parameter.js';
import type { ParameterBlock } from '../graph/placement.js';
import type { UpdateEmitter, UpdateRequest } from '../graph/update.js';
import type { Module, StateDict, StateTensor } from '../nn/module.js';
import { pack, unpack } from '../ops/packing.js';
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
  /** Those that the model's graph uses. */
  readonly #used: ReadonlySet<Parameter>;
  /** What is written before each step, and what there is a float of for each trainable parameter. */
  readonly #numbers = new Map<string, Memory>();
  readonly #states = new Map<string, Memory>();
  #block: ParameterBlock | undefined;
  #written: readonly Numbers[] = [];
  /** States that come from a checkpoint, until there is a program that has a place for them. */
  #restored: StateDict | undefined;

  /** Throws `OptionError` for a group of the optimizer that names no parameter of the model. */
  constructor(
    backend: Backend,
    model: Module,
    optimizer: Optimizer,
    clipping: Clipping,
    averaging: Required<Averaging> | undefined,
    used: ReadonlySet<Parameter>,
  ) {
    optimizer.checkGroups([...model.namedParameters()].map(([path]) => path));
    this.#backend = backend;
    this.#model = model;
    this.#optimizer = optimizer;
    this.#clipping = clipping;
    this.#averaging = averaging;
    this.#used = used;
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
    this.#settleRestored();
    for (const { state, values } of this.#written) this.#numbers.get(state)!.write(values(step));
  }

  /** Whether there are averages: there is averaging, and a step was taken. */
  get averages(): boolean {
    return this.#restored ? this.#restored.size > 0 : this.#states.has(AVERAGE);
  }

  /** Exchanges the trainable weights with their averages. */
  exchange(): void {
    if (!this.#block) {
      this.#exchangeRestored();
      return;
    }
    const { memory, bytes } = this.#block;
    const average = this.#states.get(AVERAGE)!;
    const [weights, averages] = [new Uint8Array(bytes), new Uint8Array(bytes)];
    memory.read(weights);
    average.read(averages);
    memory.write(averages);
    average.write(weights);
  }

  /** The same before there is a program. */
  #exchangeRestored(): void {
    const states = new Map(this.#restored);
    for (const { key, state, parameter } of this.#kept()) {
      if (state !== AVERAGE) continue;
      const average = states.get(key)!.data;
      states.set(key, { shape: parameter.shape, data: parameter.read() });
      parameter.write(average);
    }
    this.#restored = states;
  }

  /** The averages by the path of the parameter, in PyTorch's order. */
  averagedWeights(): StateDict {
    const kept = [...this.read()].filter(([key]) => key.startsWith(`${AVERAGE}.`));
    return new Map(kept.map(([key, tensor]) => [key.slice(AVERAGE.length + 1), tensor]));
  }

  /** All that is kept between steps, as `state.path`, in PyTorch's order; empty before the first step. */
  read(): StateDict {
    if (this.#restored) return new Map(this.#restored);
    if (!this.#block) return new Map();
    const kept = this.#kept().map(({ key, state, parameter }): [string, StateTensor] => {
      const packed = new Float32Array(parameter.size);
      this.#states.get(state)!.read(packed, this.#block!.offsets.get(parameter)!);
      const { shape, placement } = parameter;
      return [key, { shape, data: unpack(packed, shape, placement!.packing) }];
    });
    return new Map(kept);
  }

  /** Throws `OptionError` and `ShapeError` where `states` are not all that is kept, or what `read` gives at first. */
  check(where: string, states: StateDict): void {
    if (states.size === 0) return;
    const kept = this.#kept();
    for (const { key, parameter } of kept) {
      const tensor = states.get(key);
      if (!tensor) throw new OptionError(`[${where}] the checkpoint has no ${key}`);
      if (tensor.data.length === parameter.size) continue;
      throw new ShapeError(
        `[${where}] ${key} has ${parameter.size} values here but ${tensor.data.length} in the checkpoint`,
      );
    }
    const known = new Set(kept.map(({ key }) => key));
    const more = [...states.keys()].find((key) => !known.has(key));
    if (more !== undefined)
      throw new OptionError(`[${where}] the checkpoint has ${more}, which is not kept here`);
  }

  /** Goes on with `states`, which `check` let pass. */
  restore(states: StateDict): void {
    this.#restored = states;
    if (this.#block) this.#settleRestored();
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

  #settleRestored(): void {
    const states = this.#restored;
    if (!states) return;
    for (const memory of this.#states.values()) memory.write(new Uint8Array(memory.bytes));
    if (states.size > 0) {
      for (const { key, state, parameter } of this.#kept()) {
        const { shape, placement } = parameter;
        const packed = pack(states.get(key)!.data, shape, placement!.packing);
        this.#states.get(state)!.write(packed, this.#block!.offsets.get(parameter)!);
      }
    }
    this.#restored = undefined;
  }

  /** What is kept of each trainable parameter. */
  #kept(): { key: string; state: string; parameter: Parameter }[] {
    const trainable = [...this.#model.namedParameters()].filter(
      ([, parameter]) => parameter.requiresGrad && this.#used.has(parameter),
    );
    return trainable.flatMap(([path, parameter]) => {
      const states = [...this.#optimizer.statesOf(path), ...(this.#averaging ? [AVERAGE] : [])];
      return states.map((state) => ({ key: `${state}.${path}`, state, parameter }));
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
        `others: make a new Trainer`,
    );
  }
}
