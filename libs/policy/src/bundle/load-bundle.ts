import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { type Bundle, describeModel, executionHorizon } from './bundle.js';
import { BundleError } from './bundle-error.js';
import { checkManifest } from './check-manifest.js';
import { Manifest } from './manifest.js';
import { WordTokenizer } from './word-tokenizer.js';

export const MANIFEST_FILE = 'policy.json';
/** The folder of the bundles that come with the package; a bundle's folder has its id as name. */
export const BUILT_IN_BUNDLES = fileURLToPath(new URL('../../bundles', import.meta.url));

/**
 * Reads and checks a bundle: manifest, hashes, vocabulary, robots. The graph itself is compared with the manifest by the
 * worker that loads it, before the backend is ready. Throws a BundleError that names the field.
 */
export async function loadBundle(dir: string): Promise<Bundle> {
  const folder = await realpath(dir).catch((cause: unknown) => {
    throw new BundleError(dir, MANIFEST_FILE, 'the folder does not exist', cause);
  });
  const manifest = await readManifest(folder);
  const files = new Map<string, string>();
  for (const path of [manifest.graph, manifest.inputs.text.vocabulary]) {
    if (manifest.sha256[path] === undefined) throw new BundleError(folder, `sha256.${path}`, 'is missing');
  }
  for (const [path, expected] of Object.entries(manifest.sha256)) {
    files.set(path, await verifiedFile(folder, path, expected));
  }
  const tokenizer = await readVocabulary(folder, manifest, files.get(manifest.inputs.text.vocabulary) ?? '');
  return {
    dir: folder,
    manifest,
    execute: executionHorizon(manifest),
    graphPath: files.get(manifest.graph) ?? '',
    describe: () => describeModel(manifest),
    tokenize: (instruction) => tokenizer.encode(instruction),
  };
}

async function readManifest(folder: string): Promise<Manifest> {
  let data: unknown;
  try {
    data = JSON.parse(await readFile(join(folder, MANIFEST_FILE), 'utf8'));
  } catch (cause) {
    throw new BundleError(folder, MANIFEST_FILE, cause instanceof Error ? cause.message : 'cannot be read', cause);
  }
  const parsed = Manifest.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new BundleError(folder, issue?.path.join('.') || MANIFEST_FILE, issue?.message ?? 'is not valid');
  }
  const fault = checkManifest(parsed.data);
  if (fault !== null) throw new BundleError(folder, fault.field, fault.reason);
  return parsed.data;
}

/** The file's absolute path, once it is known to lie in the folder (links resolved) and to have the hash. */
async function verifiedFile(folder: string, path: string, expected: string): Promise<string> {
  const field = `sha256.${path}`;
  const file = await realpath(join(folder, path)).catch((cause: unknown) => {
    throw new BundleError(folder, field, 'the file does not exist', cause);
  });
  if (!file.startsWith(folder + sep)) throw new BundleError(folder, field, 'the file lies outside the bundle');
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash).catch((cause: unknown) => {
    throw new BundleError(folder, field, 'the file cannot be read', cause);
  });
  if (hash.digest('hex') !== expected) throw new BundleError(folder, field, 'the file has another hash');
  return file;
}

async function readVocabulary(folder: string, manifest: Manifest, file: string): Promise<WordTokenizer> {
  const { text } = manifest.inputs;
  try {
    const words: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!Array.isArray(words) || !words.every((word) => typeof word === 'string'))
      throw new TypeError('must be an array of words');
    return new WordTokenizer(words, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'cannot be read';
    throw new BundleError(folder, 'inputs.text.vocabulary', reason, cause);
  }
}
