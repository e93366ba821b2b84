/** How the network does on the test images: each counts once, as it was last classified. */
export class Exam {
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** By image; -1 where it was not classified yet. */
  readonly predictions: Int32Array;
  /** Probability of the class that was given, by image. */
  readonly confidences: Float32Array;
  /** Images of class t that were taken for class p, at t * classes + p. */
  readonly confusion: Uint32Array;
  seen = 0;
  correct = 0;
  #next = 0;

  constructor(labels: ArrayLike<number>, classes: number) {
    this.labels = labels;
    this.classes = classes;
    this.predictions = new Int32Array(labels.length).fill(-1);
    this.confidences = new Float32Array(labels.length);
    this.confusion = new Uint32Array(classes * classes);
  }

  get size(): number {
    return this.labels.length;
  }

  /** Fraction right of those that were classified. */
  get accuracy(): number {
    return this.correct / this.seen;
  }

  /** The images whose turn it is, `count` of them at most: round and round. */
  turn(count: number): { start: number; end: number } {
    const start = this.#next;
    const end = Math.min(this.size, start + count);
    this.#next = end === this.size ? 0 : end;
    return { start, end };
  }

  /** Starts over with the first image. */
  rewind(): void {
    this.#next = 0;
  }

  /**
   * Takes down what became of the images from `start` on.
   * @param probabilities rows of `classes`
   * @returns how many of them were right
   */
  record(start: number, predictions: ArrayLike<number>, probabilities: ArrayLike<number>): number {
    let right = 0;
    for (let i = 0; i < predictions.length; i++) {
      const image = start + i;
      const label = this.labels[image]!;
      const before = this.predictions[image]!;
      const now = predictions[i]!;
      if (before >= 0) this.#count(label, before, -1);
      this.#count(label, now, 1);
      this.predictions[image] = now;
      this.confidences[image] = probabilities[i * this.classes + now]!;
      if (label === now) right++;
    }
    return right;
  }

  /** Images of a class among those classified, and how many of them were found. */
  ofClass(label: number): { images: number; found: number } {
    const row = this.confusion.subarray(label * this.classes, (label + 1) * this.classes);
    return { images: row.reduce((sum, value) => sum + value, 0), found: row[label]! };
  }

  /** Images that were got wrong, the surest mistakes first; of one class, or taken for one, where these are given. */
  mistakes({
    label,
    predicted,
  }: { label?: number | undefined; predicted?: number | undefined } = {}): number[] {
    const wrong: number[] = [];
    for (let image = 0; image < this.size; image++) {
      const [is, taken] = [this.labels[image]!, this.predictions[image]!];
      if (taken < 0 || is === taken) continue;
      if ((label ?? is) === is && (predicted ?? taken) === taken) wrong.push(image);
    }
    return wrong.sort((a, b) => this.confidences[b]! - this.confidences[a]!);
  }

  #count(label: number, predicted: number, change: number): void {
    this.confusion[label * this.classes + predicted]! += change;
    this.seen += change;
    if (label === predicted) this.correct += change;
  }
}
