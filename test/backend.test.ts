import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cgroupQuota } from '../src/backend/cpus.node.js';
import { LinearMemory } from '../src/backend/linear_memory.js';
import { wasmLoader } from '../src/backend/wasm.browser.js';
import { BackendError, Generator, OutOfMemoryError } from '../src/index.node.js';

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe('the quota of a cgroup', () => {
  const root = mkdtempSync(join(tmpdir(), 'twill-cgroup-'));
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const files = (contents: Record<string, string>) => {
    for (const [path, text] of Object.entries(contents)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return cgroupQuota(root);
  };

  it('is none where there are no cgroups, or no limit', () => {
    expect(files({})).toBe(Number.POSITIVE_INFINITY);
    expect(files({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it('is the tightest of the groups that contain the process (version 2)', () => {
    const quota = files({
      'proc/self/cgroup': '0::/user.slice/app\n',
      'sys/fs/cgroup/user.slice/cpu.max': '150000 100000\n',
      'sys/fs/cgroup/user.slice/app/cpu.max': 'max 100000\n',
    });
    expect(quota).toBe(1.5);
  });

  it('is read from the cpu controller (version 1)', () => {
    const quota = files({
      'proc/self/cgroup': '9:memory:/box\n4:cpu,cpuacct:/box\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu/box/cpu.cfs_quota_us': '25000\n',
      'sys/fs/cgroup/cpu/box/cpu.cfs_period_us': '100000\n',
    });
    expect(quota).toBe(0.25);
  });
});

describe('the heap in WebAssembly memory', () => {
  it('gives out what is zero and does not overlap, whatever came and went', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 64 });
    const heap = new LinearMemory(memory, 1000);
    const generator = new Generator(3);
    const held: { address: number; bytes: number; mark: number; release(): void }[] = [];
    for (let i = 1; i <= 2000; i++) {
      if (held.length > 0 && generator.integer(2) === 0) {
        const [gone] = held.splice(generator.integer(held.length), 1);
        const bytes = heap.bytes(gone!.address, gone!.bytes);
        expect(bytes.every((byte) => byte === gone!.mark)).toBe(true);
        gone!.release();
      } else if (held.length < 30) {
        const allocation = heap.allocate(generator.integer(20_000));
        const { address, bytes } = allocation;
        expect(address % 64).toBe(0);
        expect(address).toBeGreaterThanOrEqual(1000);
        expect(heap.bytes(address, bytes).every((byte) => byte === 0)).toBe(true);
        heap.bytes(address, bytes).fill(i % 255);
        held.push({ address, bytes, mark: i % 255, release: allocation.release });
      }
    }
    for (const { release } of held) release();
    // All of it is one piece again, from the first unit above the base.
    const { address, bytes } = heap.allocate(memory.buffer.byteLength - 1024);
    expect(address).toBe(1024);
    expect(heap.bytes(address, bytes).every((byte) => byte === 0)).toBe(true);
  });

  it('says how much there is when it runs out, and goes on', () => {
    const heap = new LinearMemory(new WebAssembly.Memory({ initial: 1, maximum: 2 }), 0, 131072);
    const error = thrownBy(() => heap.allocate(3 * 65536));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({
      bytes: 196608,
      message:
        '[memory] cannot allocate 196608 bytes: WebAssembly memory holds 65536 of at most 131072 bytes',
    });
    expect(heap.allocate(65536 * 2).address).toBe(0);
  });
});

describe('the WebAssembly module in a browser', () => {
  afterEach(() => vi.unstubAllGlobals());
  const load = (response: Response) => {
    vi.stubGlobal('fetch', async () => response);
    return wasmLoader.load({ fallbacks: [] });
  };

  it('is named with what the server sent in its place', async () => {
    const page = new Response('<!doctype html>', { status: 404, headers: { 'content-type': 'text/html' } });
    await expect(load(page)).rejects.toThrow(
      /twill-simd128\.wasm is no WebAssembly module: status 404, content type text\/html, 15 bytes that begin with 3c 21 64 6f/,
    );
    await expect(load(new Response(null, { status: 200 }))).rejects.toThrow(
      /0 bytes that begin with nothing/,
    );
    await expect(load(new Response(new Uint8Array([0, 0x61, 0x73, 0x6d, 9])))).rejects.toThrow(
      /twill-simd128\.wasm does not compile: .*status 200, content type none, 5 bytes that begin with 00 61 73 6d 09/,
    );
  });

  it('is named with the reason where nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    const loading = wasmLoader.load({ fallbacks: [], wasmBaseUrl: 'https://down.example/' });
    await expect(loading).rejects.toThrow(
      'https://down.example/twill-simd128.wasm cannot be fetched: Failed to fetch',
    );
  });
});
