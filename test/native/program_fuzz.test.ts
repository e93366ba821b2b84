import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { Generator } from '../../src/index.node.js';
import { mutate } from '../fuzz/mutate.js';
import { native } from '../runtime-backends.js';
import { executable } from './executables.js';
import { drawPrograms } from './networks.js';
import { ProgramFiles } from './program-files.js';

// What libFuzzer found once (findings), programs of drawn networks and the same with bytes changed: the fuzzer's target
// takes them as it does in `npm run fuzz`.

const NETWORKS = 10;
const CHANGED = Number(process.env.TWILL_TEST_RUNS ?? 300);
const SEED = Number(process.env.TWILL_TEST_SEED ?? 1);
const findings = fileURLToPath(new URL('findings/', import.meta.url));

const TIMEOUT = 120_000 + 1000 * CHANGED;

describe('programs, and what is none any more,', { timeout: TIMEOUT }, () => {
  let files: ProgramFiles;

  beforeAll(() => {
    const programs = drawPrograms(native(nativeInstructionSets()[0]!), NETWORKS, SEED).map(
      ({ buffer }) => new Uint8Array(buffer),
    );
    const generator = new Generator(SEED);
    for (let run = 0; run < CHANGED; run++) {
      programs.push(mutate(programs[generator.integer(programs.length)]!, generator, programs));
    }
    files = new ProgramFiles(programs, SEED);
  }, TIMEOUT);
  afterAll(() => files.remove());

  it.each(nativeInstructionSets())('touch nothing outside their memory, on %s', (isa) => {
    const found = readdirSync(findings).map((name) => join(findings, name));
    const output = files.feed([executable('program_fuzz', isa)], found);
    expect(output).toBe(`${files.names.length + found.length} inputs\n`);
  });
});
