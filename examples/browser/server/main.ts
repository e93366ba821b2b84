import { Command, InvalidArgumentError } from 'commander';
import { findFashionMnist } from '../../../dist/data/fashion-mnist.node.js';
import { DataError } from '../../../dist/index.node.js';
import { serveDemo } from './server.js';

/** The same one every time: a browser keeps the data set by address. */
const PORT = 4477;

interface Options {
  readonly port?: number;
  readonly host: string;
  readonly data?: string;
  readonly isolation: boolean;
}

await new Command('npm run demo --')
  .description('Serves the page on which a network is trained in the browser.')
  .option(
    '--port <n>',
    `port to listen on, 0 for any (default: ${PORT}, or any where that is taken)`,
    portFrom,
  )
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--data <directory>', "the four files of Fashion-MNIST (default: where 'npm start' finds them)")
  .option('--no-isolation', 'without cross-origin isolation, as most sites are: one thread')
  .action(demo)
  .parseAsync();

async function demo({ port, host, data, isolation }: Options): Promise<void> {
  const options = { host, isolation, dataFiles: await findData(data) };
  const { url } = await serveDemo({ ...options, port: port ?? PORT }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port !== undefined) throw error;
    console.error(`demo: port ${PORT} is taken, so it is another one today`);
    return serveDemo(options);
  });
  console.log(`demo: ${url}`);
  console.log('demo: Ctrl+C ends it');
}

/** Without the files the page says what to do, so the server starts all the same. */
async function findData(directory: string | undefined): Promise<readonly string[]> {
  let told = false;
  const onProgress = () => {
    if (!told) console.log('demo: downloading Fashion-MNIST');
    told = true;
  };
  try {
    const { source, paths } = await findFashionMnist({ directory, onProgress });
    console.log(`demo: Fashion-MNIST from ${source}`);
    return paths;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    console.error(`demo: ${error.message}`);
    return [];
  }
}

function portFrom(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 2 ** 16) return port;
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
}
