import { OptionError } from '../errors.js';
import { show } from '../options.js';

/** An optimizer or a loss as data: the name of its class, and the options that make another one like it. */
export interface Configured {
  readonly name: string;
  readonly options: object;
}

type Classes<T> = Readonly<Record<string, new (options: never) => T & { readonly options: object }>>;

/** Throws `OptionError` for an instance of a class that `classes` does not name: its code cannot travel. */
export function describe<T extends object>(kind: string, classes: Classes<T>, instance: T): Configured {
  // A subclass has code of its own, so that only the very class will do.
  const name = Object.keys(classes).find((name) => classes[name] === instance?.constructor);
  if (name === undefined) {
    const known = Object.keys(classes).join(', ');
    throw new OptionError(
      `[TrainingWorker] ${kind} must be one that a worker knows (${known}) but is ${show(instance)}`,
    );
  }
  return { name, options: (instance as T & { options: object }).options };
}

export function rebuild<T>(kind: string, classes: Classes<T>, { name, options }: Configured): T {
  const Class = classes[name];
  if (!Class) {
    throw new OptionError(
      `[TrainingWorker] the worker knows no ${kind} ${name}: it runs another version of twill`,
    );
  }
  return new Class(options as never);
}
