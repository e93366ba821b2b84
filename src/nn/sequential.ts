import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { show } from '../options.js';
import { Module } from './module.js';

/** torch.nn.Sequential: modules one after another; their paths are `0`, `1`, ... */
export class Sequential extends Module {
  /** In the order in which they are applied. */
  readonly modules: readonly Module[];

  /** Throws `OptionError` where an argument is not a module. */
  constructor(...modules: Module[]) {
    super();
    modules.forEach((module, index) => {
      if (!(module instanceof Module)) {
        throw new OptionError(`[Sequential] argument ${index} must be a module but is ${show(module)}`);
      }
    });
    this.modules = modules;
  }

  override children(): Map<string, Module> {
    return new Map(this.modules.map((module, index) => [String(index), module]));
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return this.modules.reduce((value, module) => module.forward(value), x);
  }
}
