import { BackendUnavailableError } from '../errors.js';
import type { BackendRequest } from '../platform.js';
import type { KernelSet } from './kernel_sets.js';
import { fileOf, type Variant, WASM_INSTRUCTION_SETS, type WasmInstructionSet } from './wasm_module.js';
import type { Shortcomings } from './wasm_support.js';

/** Multiply-add that rounds twice, where the module relies on one rounding. */
export class NotFusedError extends Error {}

/** A team of threads that does not come or does not answer. */
export class TeamError extends Error {
  static from(error: unknown): TeamError {
    return error instanceof TeamError ? error : new TeamError((error as Error).message, { cause: error });
  }
}

/**
 * The variants still worth trying, best first: threads before fused multiply-add, which gains less. Each failure takes
 * away what it disproves, and is remembered as the reason.
 */
export class Choice {
  #variants: Variant[];
  readonly reasons: string[];

  /** Throws `BackendUnavailableError` where the instruction set that was asked for cannot be had. */
  constructor({ isa, fallbacks }: BackendRequest, kernels: KernelSet, threads: number, lacks: Shortcomings) {
    if (lacks.simd) throw new Error(lacks.simd);
    if (isa !== undefined && !isInstructionSet(isa)) {
      const known = WASM_INSTRUCTION_SETS.join(', ');
      throw new BackendUnavailableError(`isa '${isa}' is none of ${known}, which the wasm backend has`);
    }
    if (isa === 'relaxed-simd128' && lacks.relaxed) {
      throw new BackendUnavailableError(`isa '${isa}' cannot be had: ${lacks.relaxed}`);
    }
    this.reasons = [...fallbacks];
    const sets = isa === undefined ? WASM_INSTRUCTION_SETS : [isa];
    this.#variants = [true, false].flatMap((team) =>
      sets.map((one) => ({ isa: one, threads: team, kernels })),
    );
    if (threads === 1) this.#variants = this.#variants.filter((one) => !one.threads);
    else if (lacks.threads) this.#withoutThreads(lacks.threads);
    if (isa === undefined && lacks.relaxed) this.#withoutFusing(lacks.relaxed);
  }

  /** The best that is left. Throws where nothing is, with every reason. */
  next(): Variant {
    const [variant] = this.#variants;
    if (!variant) throw new Error(this.reasons.join('; '));
    return variant;
  }

  /** Takes back a variant that did not prove itself. */
  drop(variant: Variant, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof NotFusedError) this.#withoutFusing(message);
    else if (error instanceof TeamError) this.#withoutThreads(message);
    else {
      this.#variants = this.#variants.filter((one) => one !== variant);
      this.reasons.push(`${fileOf(variant)} cannot be used: ${message}`);
    }
  }

  #withoutThreads(why: string): void {
    this.#variants = this.#variants.filter(({ threads }) => !threads);
    this.reasons.push(`one thread: ${why}`);
  }

  #withoutFusing(why: string): void {
    this.#variants = this.#variants.filter(({ isa }) => isa !== 'relaxed-simd128');
    this.reasons.push(`no fused multiply-add: ${why}`);
  }
}

function isInstructionSet(isa: string): isa is WasmInstructionSet {
  return (WASM_INSTRUCTION_SETS as readonly string[]).includes(isa);
}
