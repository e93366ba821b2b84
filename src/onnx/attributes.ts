import { show } from '../options.js';
import type { Constant } from './constant.js';
import { type AttributeProto, AttributeType } from './proto.js';

/** A node's attributes: read by name and kind; what nobody read was not understood. */
export class Attributes {
  readonly #fail: (reason: string) => Error;
  readonly #all = new Map<string, AttributeProto>();
  readonly #tensor: (attribute: AttributeProto) => Constant | undefined;
  readonly #unread = new Set<string>();

  /** @param tensor reads the tensor of an attribute that has one */
  constructor(
    attributes: readonly AttributeProto[],
    tensor: (attribute: AttributeProto) => Constant | undefined,
    fail: (reason: string) => Error,
  ) {
    this.#fail = fail;
    this.#tensor = tensor;
    for (const attribute of attributes) {
      if (this.#all.has(attribute.name)) throw fail(`has the attribute ${show(attribute.name)} twice`);
      this.#all.set(attribute.name, attribute);
      this.#unread.add(attribute.name);
    }
  }

  /** A whole number. */
  int<T extends number | undefined>(name: string, otherwise: T): number | T {
    const value = this.#read(name, AttributeType.int)?.i;
    if (value === undefined) return otherwise;
    if (!Number.isSafeInteger(value)) throw this.#fail(`has the ${name} ${value}`);
    return value;
  }

  float(name: string, otherwise: number): number {
    const attribute = this.#read(name, AttributeType.float);
    return attribute?.f ?? (attribute ? 0 : otherwise);
  }

  /** A list of whole numbers, `length` of them. */
  ints(name: string, length: number): readonly number[] | undefined {
    const values = this.#read(name, AttributeType.ints)?.ints;
    if (values && (values.length !== length || !values.every(Number.isSafeInteger))) {
      throw this.#fail(`has the ${name} ${show(values)}, expected ${length} whole numbers`);
    }
    return values;
  }

  /** A list of whole numbers of any length. */
  list(name: string): readonly number[] | undefined {
    return this.#read(name, AttributeType.ints)?.ints;
  }

  string(name: string, otherwise: string): string {
    const value = this.#read(name, AttributeType.string)?.s;
    return value ? new TextDecoder().decode(value.slice()) : otherwise;
  }

  tensor(name: string): Constant | undefined {
    const attribute = this.#read(name, AttributeType.tensor);
    return attribute && this.#tensor(attribute);
  }

  /** Takes note that an attribute changes nothing here. */
  ignore(...names: string[]): void {
    for (const name of names) this.#unread.delete(name);
  }

  /** Throws where there is an attribute that was not read. */
  finish(): void {
    const [unknown] = this.#unread;
    if (unknown !== undefined)
      throw this.#fail(`has the attribute ${show(unknown)}, which Twill does not know`);
  }

  #read(name: string, type: number): AttributeProto | undefined {
    const attribute = this.#all.get(name);
    this.#unread.delete(name);
    // Files of the first versions do not tell the type.
    if (attribute && attribute.type !== undefined && attribute.type !== type) {
      throw this.#fail(`has an attribute ${name} of type ${attribute.type} and not ${type}`);
    }
    return attribute;
  }
}
