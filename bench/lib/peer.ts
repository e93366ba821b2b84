import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Prepared, Runner, Task, Training } from 'twill/bench';

/** Milliseconds for which a peer's threads may look for more work, burning a processor (onnxruntime's, some 40). */
const SETTLE = 50;

/**
 * A peer is a process that computes when it is asked to and sleeps otherwise, so that it can take turns with us. It
 * speaks in lines: first it says who it is, then it answers one request after another.
 *
 *   {"name": "PyTorch 1.13.0", "detail": "OpenBLAS, channels_last"}
 *   > prepare kind=step batch=100          {"ok": true, "check": 2.31} or {"unsupported": true}
 *   > prepare kind=network batch=100 name=ResNet-8      the same, of a network in src/bench/networks.ts
 *   > sample seconds=0.5                   {"seconds": [0.0131, 0.0130, ...]}
 *   > dispose                              {"ok": true}
 *   > train epochs=6                       {"epochs": [{"train": 5.5, "validation": 0.3}, ...], "accuracy": 0.896}
 *   > memory batch=100                     {"grown": 61000000, "planned": 2700000}, the plan where there is one
 *
 * Instead of any answer there may be {"error": "..."}.
 */
export class Peer implements Runner {
  readonly name: string;
  readonly threads: number;
  readonly detail: string;
  readonly yardstick: Runner['yardstick'];
  readonly train: Runner['train'];
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  private constructor(
    process: ChildProcessWithoutNullStreams,
    answers: AsyncIterator<string>,
    greeting: { name: string; detail: string },
    { threads, yardstick, trains, suffix = '' }: PeerOptions,
  ) {
    this.#process = process;
    this.#answers = answers;
    this.name = `${greeting.name}${suffix}`;
    this.detail = greeting.detail;
    this.threads = threads;
    this.yardstick = yardstick;
    if (trains) this.train = (epochs) => this.#ask<Training>(`train epochs=${epochs}`);
  }

  /** Starts a peer and waits for its greeting. Throws with what it wrote last where it does not get that far. */
  static async start(command: string, args: readonly string[], options: PeerOptions): Promise<Peer> {
    const child = spawn(command, args, { env: { ...process.env, ...options.env } });
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-2000);
    });
    child.stdin.on('error', () => {}); // it is gone: the next answer tells
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const first = await Promise.race([answers.next(), failed]);
    if (first.done) throw new Error(lastLine(complaint) ?? 'it ended before it said anything');
    return new Peer(child, answers, JSON.parse(first.value), options);
  }

  async prepare(task: Task): Promise<Prepared | undefined> {
    const answer = await this.#ask<{ unsupported?: boolean; check?: number }>(`prepare ${describe(task)}`);
    if (answer.unsupported) return undefined;
    return {
      check: answer.check,
      sample: async (seconds) => {
        const { seconds: taken } = await this.#ask<{ seconds: number[] }>(`sample seconds=${seconds}`);
        await pause(SETTLE);
        return taken;
      },
      dispose: () => void this.#ask('dispose').catch(() => {}),
    };
  }

  /** What training steps of a batch take. */
  memory(batch: number): Promise<{ grown: number; planned?: number }> {
    return this.#ask(`memory batch=${batch}`);
  }

  /** Lets the peer end. */
  close(): void {
    this.#process.stdin.end();
    this.#process.kill();
  }

  async #ask<T>(request: string): Promise<T> {
    this.#process.stdin.write(`${request}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('its process ended');
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }
}

export interface PeerOptions {
  readonly threads: number;
  readonly yardstick: Runner['yardstick'];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it can train whole epochs in a bearable time. */
  readonly trains?: boolean;
  /** What tells it from the same peer set up otherwise. */
  readonly suffix?: string;
}

function describe(task: Task): string {
  if (task.kind === 'network')
    return `kind=network batch=${task.batch} name=${encodeURIComponent(task.network.name)}`;
  if (task.kind !== 'layer') return `kind=${task.kind} batch=${task.batch}`;
  const { IC, OC, size, kernel, padding, stride, dilation, groups } = task.layer;
  const sizes = { IC, OC, size, kernel, padding, stride, dilation, groups };
  const pairs = Object.entries(sizes).map(([name, value]) => `${name}=${value}`);
  const pass = task.pass.replace(' ', '_');
  return `kind=layer fused=${task.fused ? 1 : 0} pass=${pass} batch=${task.batch} ${pairs.join(' ')}`;
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1) || undefined;
}
