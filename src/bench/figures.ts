import { HOPELESS, type Timing } from './measure.js';

/** What is measured, in the order in which it is reported. */
export const SECTIONS = [
  'peak',
  'sweep',
  'step',
  'calls',
  'networks',
  'traffic',
  'inference',
  'training',
] as const;
export type Section = (typeof SECTIONS)[number];

/** One thing that was measured. All that is told of it is computed from this. */
export interface Figure {
  readonly section: Section;
  /** `16→32 5x5 14x14`, `batch 100`, `peak_fma`, ... */
  readonly what: string;
  /** Pass through a layer, in the sweep: `forward`, `fused forward`, ...; its kernel, in the traffic. */
  readonly pass?: string;
  readonly runner: string;
  readonly threads: number;
  readonly timing: Timing;
  /** Nominal floating-point operations of a run. */
  readonly flops?: number;
  /** Bytes that a run reads and writes. */
  readonly bytes?: number;
  /** Images of a run. */
  readonly images?: number;
  /** FMA peak of the runner's kind of code and threads, operations a second, from the same rounds. */
  readonly peak?: number;
  /** Fraction right on the test images, after a training. */
  readonly accuracy?: number;
}

/** Something that was asked for and could not be measured. */
export interface Absence {
  readonly runner: string;
  /** All of it where there is none. */
  readonly what?: string;
  readonly why: string;
}

/** What a machine's run of the bench tells. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly absences: readonly Absence[];
}

/** Whether the rounds agree well enough to say a figure at all. */
export function isSound({ timing: { spread = 0 } }: Figure): boolean {
  return spread <= HOPELESS;
}

/** Operations a second. */
export function rate(figure: Figure): number {
  return (figure.flops ?? Number.NaN) / figure.timing.seconds;
}

/** Fraction of the peak; above 1 where zeros were left out. */
export function ofPeak(figure: Figure): number {
  return rate(figure) / (figure.peak ?? Number.NaN);
}

/** The figures of a section, those of one thing together. */
export function grouped(
  figures: readonly Figure[],
  section: Section,
  key: (figure: Figure) => string,
): Map<string, Figure[]> {
  const groups = new Map<string, Figure[]>();
  for (const figure of figures) {
    if (figure.section !== section) continue;
    const group = groups.get(key(figure)) ?? [];
    groups.set(key(figure), [...group, figure]);
  }
  return groups;
}
