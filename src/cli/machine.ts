import { cpuName } from '../bench/machine.node.js';

/** What a bug report has to say about the machine. */
export interface Machine {
  /** `v20.20.0` */
  readonly node: string;
  /** `linux-x64` */
  readonly platform: string;
  /** `glibc 2.36`, `musl`; undefined where there is only one. */
  readonly libc: string | undefined;
  readonly cpu: string;
}

export function describeMachine(): Machine {
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    libc: process.platform === 'linux' ? libc() : undefined,
    cpu: cpuName(),
  };
}

/** Node tells the version of glibc that it runs on; where there is none, it is musl. */
function libc(): string {
  const { report } = process as { report?: NodeJS.ProcessReport & { excludeNetwork?: boolean } };
  if (!report) return 'unknown libc';
  // Without this a report resolves the names of all open connections.
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'musl';
}
