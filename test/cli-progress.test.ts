import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Io } from '../src/cli/io.js';
import { trainingProgress } from '../src/cli/progress.js';

// How fast a machine is must not matter here: the clock is ours.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A terminal, and the line that it shows. */
function terminal() {
  let text = '';
  const output = {
    write: (more: string) => void (text += more),
    isTTY: true,
    columns: 120,
    on() {},
    once() {},
  };
  const io = { stdout: output, stderr: output, env: { NO_COLOR: '1' } } as unknown as Io;
  const line = () => text.slice(text.lastIndexOf('epoch '));
  return { io, line };
}

test('the bar tells the rate and the time that is left, tests included', () => {
  const { io, line } = terminal();
  const progress = trainingProgress(io, 2, 1000);
  /** Batches of 100 images, one every 100 ms. */
  const train = (epoch: number, from: number, to: number) => {
    for (let seen = from; seen <= to; seen += 100) {
      progress.batch({ epoch, loss: 0.5, seen });
      vi.advanceTimersByTime(100);
    }
  };
  train(1, 100, 100);
  expect(line()).toMatch(/^epoch 1\/2 .* 10 % {2}\.\.\. images\/s {2}ETA \.\.\. {2}loss 0\.5000/);
  train(1, 200, 500);
  // 500 images of this epoch and 1,000 of the next, at 1,000 a second.
  expect(line()).toMatch(/^epoch 1\/2 .* 50 % {2}1,000 images\/s {2}ETA 2 s {2}loss 0\.5000/);
  train(1, 600, 1000);
  expect(line()).toMatch(/ 100 % {2}1,000 images\/s {2}testing /);
  progress.clear();
  progress.tested(30);
  train(2, 100, 500);
  // 500 images, and a test of half a minute.
  expect(line()).toMatch(/^epoch 2\/2 .* 50 % {2}1,000 images\/s {2}ETA 31 s /);
  progress.clear();
});
