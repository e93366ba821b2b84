import { readFileSync } from 'node:fs';

/** The package's version, from its package.json, which lies two directories above in the sources and when built. */
export function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
