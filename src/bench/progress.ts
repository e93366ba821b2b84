/** Part of a stream. */
interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Tells on a terminal what is measured just now, on a line that the next one overwrites; elsewhere nothing. */
export class Progress {
  readonly #stream: Terminal;
  readonly #start = performance.now();

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  show(what: string): void {
    if (!this.#stream.isTTY) return;
    const seconds = Math.round((performance.now() - this.#start) / 1000);
    const line = `${seconds} s  ${what}`.slice(0, (this.#stream.columns || 80) - 1);
    this.#stream.write(`\r\u001b[K${line}`);
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[K');
  }
}
