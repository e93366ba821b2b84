import { relative } from 'node:path';
import ts from 'typescript';

/** As somebody's strict project would compile them; `twill` is what package.json exports. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  strict: true,
  noUnusedLocals: true,
  noEmitOnError: true,
  skipLibCheck: true,
  sourceMap: false,
};

const NODE: ts.CompilerOptions = {
  ...OPTIONS,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
};

const BROWSER: ts.CompilerOptions = {
  ...OPTIONS,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: [],
};

/** Compiles TypeScript files in place; returns the errors, a line each. */
export function compile(files: readonly string[], where: 'node' | 'browser'): string[] {
  const program = ts.createProgram(files, where === 'node' ? NODE : BROWSER);
  program.emit();
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const at = file
      ? `${relative('.', file.fileName)}:${ts.getLineAndCharacterOfPosition(file, start!).line + 1}`
      : '';
    return `${at} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
