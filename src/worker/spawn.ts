/** A worker that is there: what is posted to it, and how it is let go. */
export interface Channel {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Resolves when it is gone. */
  terminate(): Promise<unknown>;
  /** Keeps the process alive from now on, or (false) lets it end. */
  keepAlive(alive: boolean): void;
}

/** What a worker does that nobody asked for. */
export interface ChannelEvents {
  message(data: unknown): void;
  /** It crashed, ended or could not be loaded. */
  failure(error: Error): void;
}

/** Starts a worker on `script`, by default on the one that comes with twill. Throws `WorkerError` where it cannot. */
export type Spawn = (script: string | URL | undefined, events: ChannelEvents) => Channel;

let installed: Spawn | undefined;

export function installSpawn(spawn: Spawn): void {
  installed = spawn;
}

/** How this platform starts a worker. */
export function currentSpawn(): Spawn {
  if (!installed) throw new Error('import twill/worker through its entry point: it brings the platform');
  return installed;
}
