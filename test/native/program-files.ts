import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Programs as files in a folder of their own, for a C++ test to read. */
export class ProgramFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'twill-programs-'));
  /** Of the files, in the folder: a command line has no room for thousands of whole paths. */
  readonly names: readonly string[];

  /** `seed`: what drew them, for the files' names, which a failure tells. */
  constructor(programs: readonly (Int32Array | Uint8Array)[], seed: number) {
    this.names = programs.map((_, at) => `${seed}-${at}`);
    programs.forEach((words, at) => writeFileSync(join(this.folder, this.names[at]!), words));
  }

  /** What a command prints that is given their names, and `more`. Its threads sleep where they wait: runs are short. */
  feed(command: readonly string[], more: readonly string[] = []): string {
    const [program, ...rest] = command;
    return execFileSync(program!, [...rest, ...this.names, ...more], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...process.env, OMP_WAIT_POLICY: 'passive' },
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
