import fc from 'fast-check';
import type { Backend, Memory } from '../../src/backend/backend.js';
import { recording } from '../../src/bench/calls.js';
import { lower } from '../../src/graph/lower.js';
import type { LoweredProgram, Request } from '../../src/graph/request.js';
import { CrossEntropyLoss } from '../../src/index.node.js';
import type { Buffer } from '../../src/ops/op.js';
import { sizeOf } from '../../src/ops/op.js';
import { arithmeticNetwork, modelOf } from './networks.js';

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
const NOWHERE = [0, 0, 0] as const;

/**
 * Programs with gradients, of networks drawn from `seed` without what looks at the bits of floats, as
 * test/native/gradient_test.cc reads them: where its values lie, then the blocks and the words.
 */
export function drawGradients(backend: Backend, networks: number, seed: number): Int32Array[] {
  const recorder = recording(backend);
  const programs: Int32Array[] = [];
  for (const drawn of fc.sample(arithmeticNetwork, { numRuns: networks, seed })) {
    const model = modelOf(drawn);
    if (!model) continue;
    const { backend: on } = recorder;
    const loss = new CrossEntropyLoss({ reduction: 'sum' });
    const requests: Request[] = [true, false].flatMap((fusion): Request[] => [
      {
        backend: on,
        capacity: drawn.batch,
        input: 'float32',
        loss,
        gradients: 'parameters',
        output: false,
        fusion,
      },
      {
        backend: on,
        capacity: drawn.batch,
        input: 'float32',
        gradients: 'parameters and inputs',
        training: true,
        fusion,
      },
    ]);
    const shape = [drawn.C, ...drawn.image];
    for (const request of requests) {
      const traced = model.trace(shape);
      const lowered = lower(traced, request);
      const { words, memories } = recorder.programs.pop()!;
      if (lowered.needs && lowered.needs.batch > drawn.batch) continue;
      const place = placesOf(lowered, memories);
      const { batch, classes } = drawn;
      const images = batch * sizeOf({ shape });
      const parameters = lowered.block!.bytes / FLOAT;
      const units = memories.map(({ bytes }) => Math.ceil(bytes / 64));
      programs.push(
        Int32Array.of(
          ...[batch, classes],
          ...place(lowered.images, images),
          ...[memories.indexOf(lowered.block!.memory), 0, parameters],
          ...place(lowered.gradients, parameters),
          ...place(lowered.targets, batch),
          ...place(lowered.losses, batch),
          ...place(lowered.output, batch * classes),
          ...place(lowered.gradOutput, batch * classes),
          ...place(lowered.gradInputs[0], images),
          ...[units.length, ...units, ...words],
        ),
      );
      lowered.program.dispose();
    }
  }
  return programs;
}

/** Finds a program's buffers in its own memory, the first: by watching where a write to them goes. */
function placesOf({ program }: LoweredProgram, [own]: readonly Memory[]) {
  let written = 0;
  const write = (_values: unknown, byteOffset: number) => (written = byteOffset);
  Object.defineProperty(own!, 'write', { value: write });
  return (buffer: Buffer | undefined, count: number): readonly number[] => {
    if (!buffer) return NOWHERE;
    program.write(buffer, new Float32Array());
    return [0, written, count];
  };
}
