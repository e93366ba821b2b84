// The public surface, one file for each entry of package.json's exports, for people to read in a review:
// `npm run api` writes npm/api from what is built, and a test fails where the two differ.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { rootManifest } from './manifests.js';

const ROOT = new URL('../', import.meta.url);
const REPORTS = new URL('./api/', import.meta.url);

/** @typedef {{ node: { types: string }, default: { types: string } }} Entry */

/**
 * What each entry exports, without comments, as the text of a file.
 * @returns {Map<string, string>} by the file's name in npm/api
 */
export function apiReports() {
  const { exports } = /** @type {{ exports: Record<string, Entry> }} */ (
    /** @type {unknown} */ (rootManifest())
  );
  const entries = Object.entries(exports).filter(([, target]) => target.node && target.default.types);
  const pathOf = (/** @type {string} */ file) => fileURLToPath(new URL(file, ROOT));
  const files = entries.flatMap(([, { node, default: other }]) => [pathOf(node.types), pathOf(other.types)]);
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  });
  const surfaces = new Map(files.map((file) => [file, surface(program, file)]));
  const exported = new Set([...surfaces.values()].flatMap((one) => [...one.exported]));
  /** @type {Map<string, string>} */
  const reports = new Map();
  /** @type {Map<string, string>} */
  const entryOf = new Map();
  for (const [entry, { node, default: other }] of entries) {
    const inNode = textsOf(/** @type {Surface} */ (surfaces.get(pathOf(node.types))), exported);
    const elsewhere = textsOf(/** @type {Surface} */ (surfaces.get(pathOf(other.types))), exported);
    const sections = [
      { title: 'everywhere', texts: inNode.filter((text) => elsewhere.includes(text)) },
      { title: 'in Node', texts: inNode.filter((text) => !elsewhere.includes(text)) },
      { title: 'elsewhere', texts: elsewhere.filter((text) => !inNode.includes(text)) },
    ];
    const name = entry.replace('.', 'twill');
    const text = sections
      .filter(({ texts }) => texts.length > 0)
      .map(sectionText)
      .join('\n');
    const same = entryOf.get(text);
    reports.set(`${name.replaceAll('/', '.')}.txt`, same ? `// the same as ${same}\n` : text);
    if (!same) entryOf.set(text, name);
  }
  return reports;
}

/**
 * The declarations of a surface, sorted, and a line with the types that they need and no entry exports.
 * @param {Surface} surface
 * @param {Set<ts.Symbol>} exported by any entry
 */
function textsOf({ texts, needed }, exported) {
  const missing = [...needed].filter((symbol) => !exported.has(symbol)).map(({ name }) => name);
  const note = missing.length > 0 ? [`// needed, and exported nowhere: ${missing.sort().join(', ')}`] : [];
  return [...[...texts].sort(), ...note];
}

/** @param {{ title: string, texts: string[] }} section */
function sectionText({ title, texts }) {
  return `// ${title}\n\n${texts.join('\n')}\n`;
}

/** @typedef {{ texts: Set<string>, exported: Set<ts.Symbol>, needed: Set<ts.Symbol> }} Surface */

/**
 * What a module exports: its declarations' texts and symbols, and the types of this package that they refer to.
 * @param {ts.Program} program
 * @param {string} file
 * @returns {Surface}
 */
function surface(program, file) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is not built: npm run build:ts`);
  const printer = ts.createPrinter({ removeComments: true });
  /** @type {Set<string>} */
  const texts = new Set();
  /** @type {Set<ts.Symbol>} */
  const exported = new Set();
  /** @type {Set<ts.Symbol>} */
  const needed = new Set();

  /** @param {ts.Symbol} symbol */
  const target = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  /** @param {ts.Symbol} container @param {string} prefix */
  function addAll(container, prefix) {
    for (const symbol of checker.getExportsOfModule(container)) {
      const original = target(symbol);
      const name = prefix + symbol.name;
      if (original.flags & ts.SymbolFlags.ValueModule) {
        addAll(original, `${name}.`);
        continue;
      }
      exported.add(original);
      for (const declaration of original.declarations ?? []) {
        texts.add(declarationText(declaration, name));
        visit(declaration);
      }
    }
  }

  /** @param {ts.Declaration} declaration @param {string} name */
  function declarationText(declaration, name) {
    const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const text = printer
      .printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile())
      .replace(/^(export )?(declare )?/, '')
      .replace(/^ *#private;\n/m, '');
    return name.includes('.') ? `${name}: ${text}` : text;
  }

  /** Notes the types of this package that a declaration refers to. @param {ts.Node} node */
  function visit(node) {
    if (
      ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
    ) {
      return;
    }
    if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
      const symbol = checker.getSymbolAtLocation(
        ts.isTypeReferenceNode(node) ? node.typeName : node.expression,
      );
      const original = symbol && target(symbol);
      const home = original?.declarations?.[0]?.getSourceFile().fileName;
      const isParameter = original && original.flags & ts.SymbolFlags.TypeParameter;
      if (original && !isParameter && home?.startsWith(fileURLToPath(new URL('dist/', ROOT))))
        needed.add(original);
    }
    ts.forEachChild(node, visit);
  }

  addAll(module, '');
  return { texts, exported, needed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS);
  for (const [name, text] of apiReports()) writeFileSync(new URL(name, REPORTS), text);
}
