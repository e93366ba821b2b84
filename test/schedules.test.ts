import { describe, expect, it } from 'vitest';
import {
  ConstantLR,
  CosineAnnealingLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  OptionError,
  ReduceLROnPlateau,
  type ReduceLROnPlateauOptions,
  type Schedule,
  SequentialLR,
  StepLR,
} from '../src/index.node.js';
import { goldenOptim } from './reference/golden-optim.js';

const { schedules, plateaus } = goldenOptim().index;
const STEPS = 20;

const SCHEDULES: Readonly<Record<string, Schedule>> = {
  StepLR: new StepLR({ stepSize: 3, gamma: 0.5 }),
  MultiStepLR: new MultiStepLR({ milestones: [2, 5, 5, 11], gamma: 0.3 }),
  ExponentialLR: new ExponentialLR({ gamma: 0.9 }),
  CosineAnnealingLR: new CosineAnnealingLR({ tMax: 10, etaMin: 0.001 }),
  LinearLR: new LinearLR({ startFactor: 0.25, endFactor: 0.9, totalIters: 7 }),
  ConstantLR: new ConstantLR({ factor: 0.2, totalIters: 4 }),
  OneCycleLR: new OneCycleLR({ maxLr: 0.4 }),
  OneCycleLR_linear: new OneCycleLR({
    maxLr: 0.4,
    totalSteps: STEPS,
    pctStart: 0.4,
    annealStrategy: 'linear',
    cycleMomentum: false,
    divFactor: 10,
    finalDivFactor: 100,
  }),
  OneCycleLR_three: new OneCycleLR({ maxLr: 0.4, threePhase: true, baseMomentum: 0.8, maxMomentum: 0.9 }),
  SequentialLR: new SequentialLR({
    schedules: [
      new LinearLR({ startFactor: 0.1, totalIters: 4 }),
      new CosineAnnealingLR(),
      new ConstantLR({ factor: 0.05, totalIters: 100 }),
    ],
    milestones: [4, 16],
  }),
};

/** 12 digits: PyTorch multiplies from step to step. */
const close = (ours: number[], theirs: readonly number[]) => {
  expect(ours.length).toBe(theirs.length);
  ours.forEach((lr, at) => expect(Math.abs(lr - theirs[at]!), `${at}`).toBeLessThan(1e-12));
};

const moments = Array.from({ length: STEPS }, (_, count) => ({ count, total: STEPS, metrics: [] }));

describe("PyTorch's learning rates", () => {
  it.each(Object.keys(schedules))('%s', (name) => {
    const schedule = SCHEDULES[name]!;
    const { lrs, momenta } = schedules[name]!;
    close(
      moments.map((moment) => schedule.lr(0.1, moment)),
      lrs,
    );
    const ours = moments.map((moment) => schedule.momentum(moment));
    if (momenta) close(ours as number[], momenta);
    else expect(ours).toEqual(ours.map(() => undefined));
  });

  it.each(Object.entries(plateaus.runs))('ReduceLROnPlateau, %s', (_, { options, lrs }) => {
    const named = Object.entries(options).map(([key, value]) => [
      key.replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase()),
      value,
    ]);
    const schedule = new ReduceLROnPlateau(Object.fromEntries(named) as ReduceLROnPlateauOptions);
    const metrics = plateaus.metrics.map((metric) => metric ?? Number.NaN);
    close(
      metrics.map((_metric, at) =>
        schedule.lr(0.1, { count: at, total: metrics.length, metrics: metrics.slice(0, at) }),
      ),
      lrs,
    );
  });
});

describe('schedules', () => {
  it('are made anew from their options', () => {
    for (const schedule of Object.values(SCHEDULES)) {
      const Class = schedule.constructor as new (options: object) => Schedule;
      const again = new Class(schedule.options);
      expect(again.options).toEqual(schedule.options);
      expect(moments.map((moment) => again.lr(0.3, moment))).toEqual(
        moments.map((moment) => schedule.lr(0.3, moment)),
      );
    }
  });

  it('watch accuracies for more, losses for less', () => {
    expect(new ReduceLROnPlateau({ monitor: 'accuracy' }).options).toMatchObject({ mode: 'max' });
    expect(new ReduceLROnPlateau({ monitor: 'loss' }).options).toMatchObject({ mode: 'min' });
  });

  it('stay within one cycle', () => {
    const schedule = new OneCycleLR({ maxLr: 1, totalSteps: 10 });
    const at = (count: number) => schedule.lr(0.1, { count, total: 50, metrics: [] });
    expect(at(30)).toBe(at(9));
    expect(new OneCycleLR({ maxLr: 1 }).lr(0.1, { count: 0, total: 1, metrics: [] })).toBeCloseTo(4e-6, 12);
  });

  it('are refused where they cannot be used', () => {
    expect(() => new StepLR({ stepSize: 0 })).toThrow(OptionError);
    expect(() => new MultiStepLR({ milestones: [3, 2] })).toThrow('[MultiStepLR] milestones must be whole');
    expect(() => new ReduceLROnPlateau({ factor: 1 })).toThrow('factor must be less than 1 but is 1');
    expect(() => new LinearLR({ interval: 'batch' as never })).toThrow(
      "interval must be one of 'epoch', 'step'",
    );
    expect(() => new SequentialLR({ schedules: [new StepLR({ stepSize: 1 })], milestones: [1] })).toThrow(
      '1 schedules need 0 milestones but there are 1',
    );
    const mixed = [new StepLR({ stepSize: 1 }), new OneCycleLR({ maxLr: 1 })];
    expect(() => new SequentialLR({ schedules: mixed, milestones: [1] })).toThrow(
      'must all count epochs or all count steps, and look at no metric: StepLR (epoch), OneCycleLR (step)',
    );
    expect(() => new OneCycleLR({ maxLr: 0.1, maxLR: 1 } as never)).toThrow("did you mean 'maxLr'?");
  });
});
