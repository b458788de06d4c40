import { readFile } from 'node:fs/promises';
import { BenchError } from './command.js';
import { type BenchResult, parseResults } from './result.js';

export async function readResults(path: string): Promise<readonly BenchResult[]> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new BenchError(`${path}: ${error.message}`);
  });
  const read = parseResults(text);
  if (!read.ok) throw new BenchError(`${path}: ${read.reason}`);
  return read.results;
}
