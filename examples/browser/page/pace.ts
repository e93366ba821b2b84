/** Milliseconds over which the speed is taken. */
const WINDOW = 4000;

/** How fast a training goes and how long it will take; pauses do not count. */
export class Pace {
  readonly #total: number;
  readonly #now: () => number;
  readonly #marks: { at: number; images: number }[] = [];
  #images = 0;
  /** Milliseconds until the clock last stopped. */
  #before = 0;
  #since: number | undefined;

  /**
   * @param total images in the whole training
   * @param now a clock of milliseconds
   */
  constructor(total: number, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#now = now;
  }

  start(): void {
    this.#since ??= this.#now();
  }

  stop(): void {
    this.#before = this.#elapsed();
    this.#since = undefined;
  }

  add(images: number): void {
    this.#images += images;
    const at = this.#elapsed();
    this.#marks.push({ at, images: this.#images });
    while (this.#marks.length > 2 && at - this.#marks[1]!.at > WINDOW) this.#marks.shift();
  }

  get images(): number {
    return this.#images;
  }

  /** Seconds. */
  get elapsed(): number {
    return this.#elapsed() / 1000;
  }

  /** Images a second, lately; NaN before there is anything to go by. */
  get speed(): number {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (!first || !last || last.at === first.at) return Number.NaN;
    return (1000 * (last.images - first.images)) / (last.at - first.at);
  }

  /** Seconds to go at the pace of the whole so far; NaN before there is one. */
  get remaining(): number {
    if (this.#images === 0) return Number.NaN;
    return ((this.#total - this.#images) * this.elapsed) / this.#images;
  }

  #elapsed(): number {
    return this.#before + (this.#since === undefined ? 0 : this.#now() - this.#since);
  }
}
