import type { Schedule } from '../optim/schedule.js';
import { SequentialLR, type SequentialLROptions } from '../optim/schedule-sequential.js';
import { type Configured, describe, rebuild } from './configured.js';
import { SCHEDULES } from './registry.js';

/** A schedule as data, those that it is made of included. Throws `OptionError` for one whose code cannot travel. */
export function describeSchedule(schedule: Schedule): Configured {
  const { name, options } = describe('schedule', SCHEDULES, schedule);
  if (!(schedule instanceof SequentialLR)) return { name, options };
  return { name, options: { ...options, schedules: schedule.schedules.map(describeSchedule) } };
}

export function rebuildSchedule({ name, options }: Configured): Schedule {
  if (name !== 'SequentialLR') return rebuild('schedule', SCHEDULES, { name, options });
  const { schedules, milestones } = options as Omit<SequentialLROptions, 'schedules'> & {
    schedules: readonly Configured[];
  };
  return new SequentialLR({ schedules: schedules.map(rebuildSchedule), milestones });
}
