import { Command, Option } from 'commander';
import { count, type Io, say, styleFor } from './io.js';
import { loadModel } from './load.js';
import { jsonOption, modelOption, nonEmpty } from './options.js';

interface ExportOptions {
  readonly model: string;
  readonly onnx: string;
  readonly uint8?: boolean;
  readonly softmax?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
The file has opset 17 and takes any number of images: input N x 1 x 28 x 28, light on black, 0 to 1; output
N x 10, a score a class.

Examples:
  $ twill export --model out/model.safetensors --onnx model.onnx
  $ twill export --model out/model.safetensors --onnx model.onnx --uint8 --softmax`;

/** `twill export` */
export function exportCommand(io: Io): Command {
  return new Command('export')
    .description('write a trained network in a format that other runtimes read')
    .addOption(modelOption())
    .addOption(new Option('--onnx <file>', 'ONNX file to write').argParser(nonEmpty).makeOptionMandatory())
    .option('--uint8', 'let it take bytes, 0 to 255, and scale them itself')
    .option('--softmax', 'let it give probabilities')
    .addOption(jsonOption('write one JSON object to stdout'))
    .addHelpText('after', EXAMPLES)
    .action((options: ExportOptions) => exportModel(options, io));
}

async function exportModel(options: ExportOptions, io: Io): Promise<void> {
  const { writeFileAtomic } = await import('../io/file.node.js');
  const { exportOnnx } = await import('../onnx/index.js');
  const { IMAGE_SHAPE } = await import('../recipes/article.js');
  const { onnx: file, uint8 = false, softmax = false } = options;
  const model = await loadModel(options.model);
  const bytes = exportOnnx(model, { inputShape: IMAGE_SHAPE, uint8Input: uint8, softmax });
  await writeFileAtomic(file, bytes);
  const input = `N x ${IMAGE_SHAPE.join(' x ')} ${uint8 ? 'bytes' : 'floats'}`;
  const output = softmax ? 'probabilities' : 'scores';
  if (options.json) {
    say(io.stdout, JSON.stringify({ file, bytes: bytes.length, input, output }));
    return;
  }
  const style = styleFor(io.stdout, io.env);
  say(io.stdout, `${style.bold(file)}  ${count(bytes.length)} bytes, takes ${input}, gives ${output}`);
}
