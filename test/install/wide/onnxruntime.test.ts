import { join } from 'node:path';
import { describe } from 'vitest';
import { holdsTo, requireRuntime } from '../../onnx/native-runtime.js';
import { installTools } from './tools.js';

const folder = join(installTools('onnxruntime'), '..');

describe('exported, onnxruntime-node says the same of', () => holdsTo(() => requireRuntime(folder)));
