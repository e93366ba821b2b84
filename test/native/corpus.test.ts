import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { native } from '../runtime-backends.js';
import { drawPrograms } from './networks.js';

/** Where `npm run fuzz` begins. */
const folder = process.env.TWILL_FUZZ_CORPUS;

it.skipIf(!folder)('programs of drawn networks are written for the fuzzer', { timeout: 120_000 }, () => {
  const programs = drawPrograms(native(nativeInstructionSets()[0]!), 40, 7);
  programs.forEach((words, at) => writeFileSync(join(folder!, `drawn-${at}`), words));
});
