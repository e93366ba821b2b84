import { readFileSync } from 'node:fs';
import { TwillError } from '../errors.js';
import { type Io, say } from './io.js';

/** The package's version, from its package.json, which lies two directories above in the sources and when built. */
export function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** `twill --version`: the version, then what a bug report needs; it works where no backend does. */
export async function sayVersion(io: Io): Promise<number> {
  const { describeMachine } = await import('./machine.js');
  say(io.stdout, `twill ${version()}`);
  for (const line of await describeBackend()) say(io.stdout, line);
  const { node, platform, libc, cpu } = describeMachine();
  say(io.stdout, [`Node ${node}`, platform, ...(libc ? [libc] : []), cpu].join(', '));
  return 0;
}

async function describeBackend(): Promise<string[]> {
  const { openBackend } = await import('./load.js');
  try {
    const { backend, isa, threads, fallbacks } = (await openBackend({})).info();
    return [`${backend} backend, ${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`, ...fallbacks];
  } catch (error) {
    if (error instanceof TwillError) return [error.message];
    throw error;
  }
}
