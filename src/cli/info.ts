import { Command } from 'commander';
import { type Io, say, styleFor } from './io.js';
import { openBackend } from './load.js';
import { type BackendOptions, backendOption, jsonOption, threadsOption } from './options.js';
import { version } from './version.js';

interface InfoOptions extends BackendOptions {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ twill info
  $ twill info --backend wasm
  $ twill info --json`;

/** `twill info` */
export function infoCommand(io: Io): Command {
  return new Command('info')
    .description('tell backend, instruction set, threads, and why anything better could not be had')
    .addOption(jsonOption('write one JSON object to stdout'))
    .addOption(backendOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES)
    .action((options: InfoOptions) => info(options, io));
}

async function info(options: InfoOptions, io: Io): Promise<void> {
  const { describeMachine } = await import('./machine.js');
  const backend = await openBackend(options);
  const { backend: name, isa, threads, fallbacks } = backend.info();
  const { node, platform, libc, cpu } = describeMachine();
  if (options.json) {
    const all = { version: version(), backend: name, isa, threads, fallbacks, node, platform, libc, cpu };
    say(io.stdout, JSON.stringify(all));
    return;
  }
  const style = styleFor(io.stdout, io.env);
  const line = (key: string, value: string) => say(io.stdout, `${style.bold(key.padEnd(17))} ${value}`);
  line('twill', version());
  line('backend', name);
  line('instruction set', isa);
  line('threads', String(threads));
  line('node', `${node} on ${platform}${libc ? `, ${libc}` : ''}`);
  line('cpu', cpu);
  if (fallbacks.length === 0) line('fallbacks', 'none: this is the best that this machine offers');
  for (const [i, reason] of fallbacks.entries()) line(i === 0 ? 'fallbacks' : '', reason);
}
