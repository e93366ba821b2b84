// npm run example <name> -- <its options>

const NAMES = ['article', 'residual', 'own-images', 'serve'];
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !NAMES.includes(name)) {
  console.error(`usage: npm run example ${NAMES.join('|')}`);
  process.exit(2);
}
process.argv.splice(2, Infinity, ...rest);
await import(`./${name}/main.js`);
