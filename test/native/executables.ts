import { fileURLToPath } from 'node:url';

/** Where `npm run build:test` puts the C++ tests; TWILL_NATIVE_TESTS names another build, one with sanitizers. */
const folder = process.env.TWILL_NATIVE_TESTS ?? fileURLToPath(new URL('../../build/test/', import.meta.url));

/** `program_test_avx2`, by its name and its instruction set. */
export const executable = (name: string, isa: string): string => `${folder}${name}_${isa}`;
