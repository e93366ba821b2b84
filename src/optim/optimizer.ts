import { OptionError } from '../errors.js';
import { HYPER_FLOATS, type UpdateEmitter } from '../graph/update.js';
import { checkOptions, nonNegativeNumber, show } from '../options.js';
import { checkNames, formatNames, isNamed, type ParameterNames } from './names.js';

/** Options of some of a model's parameters; what is left out is the optimizer's own. */
export type ParameterGroupOptions<Settings> = Partial<Settings> & {
  /** Which they are. A parameter belongs to the first group that names it. */
  parameters: ParameterNames;
};

/** All that an optimizer was told. */
export type OptimizerOptions<Settings> = Settings & {
  /** In the order in which they were given. */
  groups: ParameterGroupOptions<Settings>[];
};

/** What every optimizer is told. */
export interface LearningRate {
  /** Learning rate. */
  lr: number;
}

/** An update rule: its defaults, its kernel, and the numbers that the kernel is given before each step. */
export interface UpdateRule<Settings extends LearningRate> {
  /** The name of its class. */
  readonly name: string;
  readonly defaults: Settings;
  readonly kernel: string;
  /** Throws `OptionError` for what cannot be used. */
  check(where: string, settings: Settings): void;
  /** Operands of the kernel that keep a float for each parameter, with these settings; the momentum may be moved. */
  states(settings: Settings, movesMomentum: boolean): readonly string[];
  /** The kernel's `hyper`, at a step counted from 0. */
  numbers(settings: Settings, step: number): readonly number[];
  /** The settings with another momentum, or Adam's first beta. */
  withMomentum(settings: Settings, momentum: number): Settings;
  momentum(settings: Settings): number;
}

/** Name of the state that holds the numbers which change from step to step. */
const HYPER = 'hyper';
/** Some of a model's parameters, with a learning rate and numbers of their own. */
export class ParameterGroup<Settings extends LearningRate = LearningRate> {
  /** Which they are. */
  readonly parameters: ParameterNames;
  readonly #where: string;
  readonly #own: Partial<Settings>;
  readonly #shared: () => Settings;
  #lr: number | undefined;
  #momentum: number | undefined;

  /** @internal */
  constructor(
    where: string,
    { parameters, ...own }: ParameterGroupOptions<Settings>,
    shared: () => Settings,
  ) {
    this.#where = where;
    this.parameters = checkNames(where, parameters);
    this.#own = own as unknown as Partial<Settings>;
    this.#shared = shared;
    this.#lr = own.lr;
  }

  /** Learning rate: that of the optimizer until it is set. Throws `OptionError` for a negative or infinite number. */
  get lr(): number {
    return this.#lr ?? this.#shared().lr;
  }

  /** Gives the group a learning rate of its own. */
  set lr(lr: number) {
    this.#lr = nonNegativeNumber(this.#where, 'lr', lr);
  }

  /** The learning rate of its own; undefined where it is the optimizer's. @internal */
  get ownLr(): number | undefined {
    return this.#lr;
  }

  /** @internal */
  set ownLr(lr: number | undefined) {
    this.#lr = lr;
  }

  /** @internal */
  get ownMomentum(): number | undefined {
    return this.#momentum;
  }

  /** @internal */
  set ownMomentum(momentum: number | undefined) {
    this.#momentum = momentum;
  }

  /** Every number of the group, its own or the optimizer's. @internal */
  settings(rule: UpdateRule<Settings>): Settings {
    const { lr } = this;
    const settings = { ...this.#shared(), ...this.#own, lr };
    return this.#momentum === undefined ? settings : rule.withMomentum(settings, this.#momentum);
  }

  /** What makes another one like it. @internal */
  get options(): ParameterGroupOptions<Settings> {
    const lr = this.#lr === undefined ? {} : { lr: this.#lr };
    return { ...this.#own, ...lr, parameters: this.parameters };
  }
}

/** What a training program needs of an optimizer, and what all of them have. */
export abstract class Optimizer<Settings extends LearningRate = LearningRate> {
  /** Parameters with numbers of their own, in the order in which they were given. */
  readonly groups: readonly ParameterGroup<Settings>[];
  readonly #rule: UpdateRule<Settings>;
  #settings: Settings;
  /** Whether a schedule moves the momentum: what it needs is kept though it may be 0 at first. @internal */
  movesMomentum = false;

  /** @internal */
  constructor(
    rule: UpdateRule<Settings>,
    options: (Partial<Settings> & { groups?: readonly ParameterGroupOptions<Settings>[] }) | undefined,
  ) {
    const names = Object.keys(rule.defaults) as (keyof Settings & string)[];
    const { groups = [], ...own } = checkOptions(rule.name, options, [...names, 'groups']);
    this.#rule = rule;
    this.#settings = { ...rule.defaults, ...given(own as Partial<Settings>) };
    rule.check(rule.name, this.#settings);
    if (!Array.isArray(groups)) {
      throw new OptionError(`[${rule.name}] groups must be a list of groups but is ${show(groups)}`);
    }
    const list: readonly ParameterGroupOptions<Settings>[] = groups;
    this.groups = Object.freeze(
      list.map((group, index) => {
        const where = `${rule.name}, group ${index + 1}`;
        const known = checkOptions(where, given(group), ['parameters', ...names]);
        const made = new ParameterGroup<Settings>(where, known, () => this.#settings);
        rule.check(where, made.settings(rule));
        return made;
      }),
    );
  }

  /** Learning rate; throws `OptionError` where it is set to a negative or infinite number. */
  get lr(): number {
    return this.#settings.lr;
  }

  /** Takes effect in the next step. */
  set lr(lr: number) {
    this.#settings = { ...this.#settings, lr: nonNegativeNumber(this.#rule.name, 'lr', lr) };
  }

  /** What makes another one like it: `new SGD(sgd.options)`. */
  get options(): OptimizerOptions<Settings> {
    return { ...this.#settings, groups: this.groups.map(({ options }) => options) };
  }

  /** Its numbers. @internal */
  protected get settings(): Settings {
    return this.#settings;
  }

  /** Learning rates: its own, then those of the groups, undefined where a group has none of its own. @internal */
  get lrs(): readonly (number | undefined)[] {
    return [this.lr, ...this.groups.map(({ ownLr }) => ownLr)];
  }

  /** @internal */
  set lrs([own, ...groups]: readonly (number | undefined)[]) {
    this.lr = own!;
    this.groups.forEach((group, index) => (group.ownLr = groups[index]));
  }

  /** Momenta likewise (Adam's first beta), for schedules that move them. @internal */
  get momenta(): readonly (number | undefined)[] {
    return [this.#rule.momentum(this.#settings), ...this.groups.map(({ ownMomentum }) => ownMomentum)];
  }

  /** @internal */
  set momenta([own, ...groups]: readonly (number | undefined)[]) {
    this.#settings = this.#rule.withMomentum(this.#settings, own!);
    this.groups.forEach((group, index) => (group.ownMomentum = groups[index]));
  }

  /** The name of its class, whatever a minifier made of it. @internal */
  get kind(): string {
    return this.#rule.name;
  }

  /** What is kept of the parameter at `path`, a float for each of its own. @internal */
  statesOf(path: string): readonly string[] {
    return this.#rule.states(this.#settingsOf(this.groupOf(path)), this.movesMomentum);
  }

  #settingsOf(group: number): Settings {
    return group === 0 ? this.#settings : this.groups[group - 1]!.settings(this.#rule);
  }

  /** Number of the group that the parameter at `path` belongs to, from 1; 0 where no group names it. @internal */
  groupOf(path: string): number {
    return 1 + this.groups.findIndex(({ parameters }) => isNamed(parameters, path));
  }

  /** Throws `OptionError` for a group that names no parameter of the model. @internal */
  checkGroups(paths: readonly string[]): void {
    this.groups.forEach(({ parameters }, index) => {
      if (paths.some((path) => isNamed(parameters, path))) return;
      throw new OptionError(
        `[${this.#rule.name}, group ${index + 1}] ${formatNames(parameters)} names no parameter of the model, ` +
          `which has ${paths.slice(0, 8).join(', ')}${paths.length > 8 ? ', ...' : ''}`,
      );
    });
  }

  /**
   * Emits the kernel calls of one update. Returns the values of the state `hyper`, to be written before each step;
   * steps count from 0.
   * @internal
   */
  emit(update: UpdateEmitter): { state: string; values: (step: number) => Float32Array } {
    const rule = this.#rule;
    const hyper = update.numbers(HYPER, update.ranges.length * HYPER_FLOATS);
    update.ranges.forEach(({ group, count, parameters, gradients, state }, index) => {
      const states = rule
        .states(this.#settingsOf(group), this.movesMomentum)
        .map((name) => [name, state(name)]);
      update.call(
        rule.kernel,
        { count },
        {
          parameter: parameters,
          gradient: gradients,
          hyper: hyper(index * HYPER_FLOATS, HYPER_FLOATS),
          ...Object.fromEntries(states),
        },
      );
    });
    const values = (step: number) => {
      const all = new Float32Array(update.ranges.length * HYPER_FLOATS);
      update.ranges.forEach(({ group }, index) =>
        all.set(rule.numbers(this.#settingsOf(group), step), index * HYPER_FLOATS),
      );
      return all;
    };
    return { state: HYPER, values };
  }
}

/** Without what is undefined: as if it were not there. */
function given<T extends object>(options: T): T {
  if (typeof options !== 'object' || options === null) return options;
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
