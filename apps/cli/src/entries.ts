import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The files that run as processes of their own. */
export const ENTRIES = {
  database: entry('@sinew/db', 'dist/embedded/main.js'),
  gateway: entry('@sinew/gateway', 'dist/main.js'),
  worker: entry('@sinew/worker', 'dist/main.js'),
  shipper: entry('@sinew/worker', 'dist/shipper/main.js'),
  sim: fileURLToPath(new URL('./up/sim-process.js', import.meta.url)),
} as const;

function entry(packageName: string, file: string): string {
  return join(dirname(fileURLToPath(import.meta.resolve(`${packageName}/package.json`))), file);
}
