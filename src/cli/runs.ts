import { join } from 'node:path';
import { DataError } from '../errors.js';
import { readBytes } from '../io/file.node.js';
import { type History, parseHistory } from '../report/history.js';

/** Some thousand epochs take less than a megabyte. */
const MOST_BYTES = 2 ** 26;

/**
 * Reads the history that `twill train` left in a directory.
 * @throws DataError where there is none, FormatError where it is not what it should be; both name the file
 */
export async function readHistory(directory: string): Promise<History> {
  const file = join(directory, 'history.json');
  try {
    return parseHistory(new TextDecoder().decode(await readBytes(file, MOST_BYTES)), file);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${error.message}: it is \`twill train --out ${directory}\` that writes it`, {
      cause: error,
    });
  }
}
