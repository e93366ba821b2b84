import type { Backend } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import { kernelsFor } from '../graph/kernels.js';
import type { Loss } from '../graph/request.js';
import { Module } from '../nn/module.js';

/**
 * The backend of `loadBackend()`, with no more kernels than a model needs to be applied or, by a loss, trained. Throws as
 * tracing and loading do.
 */
export async function backendFor(
  model: Module,
  inputShape: readonly number[],
  loss?: Loss,
): Promise<Backend> {
  if (!(model instanceof Module)) return loadBackend(); // whoever uses it will say so
  return loadBackend({ kernels: kernelsFor(model.trace(inputShape), loss) });
}
