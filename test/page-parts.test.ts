import { describe, expect, it } from 'vitest';
import { Curve, RecentMean } from '../examples/browser/page/curve.js';
import { Exam } from '../examples/browser/page/exam.js';
import { duration } from '../examples/browser/page/format.js';
import { Ink, SIDE } from '../examples/browser/page/ink.js';
import { Pace } from '../examples/browser/page/pace.js';

describe('what the page knows of the test images', () => {
  const sure = (predictions: readonly number[], probability: number) =>
    predictions.flatMap((one) => Array.from({ length: 3 }, (_, index) => (index === one ? probability : 0)));

  it('counts each once, as it was last classified', () => {
    const exam = new Exam([0, 1, 2, 2], 3);
    expect(exam.record(0, [0, 0], sure([0, 0], 0.5))).toBe(1);
    expect([exam.seen, exam.accuracy]).toEqual([2, 0.5]);
    expect(exam.record(0, [0, 1, 1, 0], sure([0, 1, 1, 0], 0.75))).toBe(2);
    expect([exam.seen, exam.correct]).toEqual([4, 2]);
    expect([...exam.confusion]).toEqual([1, 0, 0, 0, 1, 0, 1, 1, 0]);
    expect(exam.ofClass(2)).toEqual({ images: 2, found: 0 });
  });

  it('lists the mistakes that are asked for, the surest first', () => {
    const exam = new Exam([0, 1, 2, 2], 3);
    exam.record(0, [1, 2], sure([1, 2], 0.5));
    exam.record(2, [1, 2], sure([1, 2], 0.75));
    expect(exam.mistakes()).toEqual([2, 0, 1]);
    expect(exam.mistakes({ predicted: 1 })).toEqual([2, 0]);
    expect(exam.mistakes({ label: 0, predicted: 1 })).toEqual([0]);
    expect(exam.mistakes({ label: 2, predicted: 0 })).toEqual([]);
  });

  it('goes round', () => {
    const exam = new Exam([0, 0, 0, 0, 0], 3);
    expect(
      [exam.turn(2), exam.turn(2), exam.turn(2), exam.turn(2)].map(({ start, end }) => [start, end]),
    ).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
      [0, 2],
    ]);
  });
});

describe('a curve', () => {
  it('keeps to its number of points, each the mean of as many values', () => {
    const curve = new Curve(10);
    for (let x = 0; x < 1000; x++) curve.add(x, 2 * x);
    const { points } = curve;
    expect(points.length).toBeGreaterThan(4);
    expect(points.length).toBeLessThanOrEqual(10);
    for (const { x, y } of points) expect(y).toBeCloseTo(2 * x, 6);
    const steps = points.slice(1).map(({ x }, i) => x - points[i]!.x);
    expect(new Set(steps.map((step) => step.toFixed(6))).size).toBe(1);
  });

  it('has a recent mean of the last values', () => {
    const recent = new RecentMean(3);
    for (const value of [100, 1, 2, 3]) recent.add(value, 1);
    expect([recent.mean, recent.weight]).toEqual([2, 3]);
  });
});

describe('the pace', () => {
  it('does not count pauses', () => {
    let now = 0;
    const pace = new Pace(1000, () => now);
    expect(pace.remaining).toBeNaN();
    pace.start();
    for (let i = 0; i < 5; i++) {
      now += 100;
      pace.add(50);
    }
    pace.stop();
    now += 60_000;
    expect([pace.elapsed, pace.speed, pace.remaining]).toEqual([0.5, 500, 1.5]);
    pace.start();
    now += 100;
    pace.add(50);
    expect([pace.elapsed, pace.speed]).toEqual([0.6, 500]);
  });

  it('is told in minutes', () => {
    expect([5, 65, 3725, Number.NaN].map(duration)).toEqual(['0:05', '1:05', '1:02:05', '–']);
  });
});

describe('ink', () => {
  it('fills what a line encloses, and no more', () => {
    const ink = new Ink();
    const corners = [
      [8, 8],
      [20, 8],
      [20, 20],
      [8, 20],
      [8, 8],
    ] as const;
    corners.slice(1).forEach((corner, i) => ink.line(corners[i]!, corner, 'brush'));
    ink.fill(14, 14);
    expect(ink.pixels[14 * SIDE + 14]).toBeGreaterThan(200);
    expect([0, SIDE - 1, SIDE * SIDE - 1].map((at) => ink.pixels[at])).toEqual([0, 0, 0]);
    ink.line([8, 14], [20, 14], 'eraser');
    expect(ink.pixels[14 * SIDE + 14]).toBeLessThan(20);
  });

  it('stays in the picture', () => {
    const ink = new Ink();
    ink.line([-5, -5], [40, 40], 'brush');
    ink.fill(0, SIDE - 1);
    expect(ink.pixels.length).toBe(SIDE * SIDE);
    expect(ink.pixels[(SIDE - 1) * SIDE]).toBeGreaterThan(0);
    expect(ink.pixels[SIDE - 1]).toBe(0);
  });
});
