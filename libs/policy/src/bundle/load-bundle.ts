import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { checkKeys, KserveManifest, manifestOf, OpenpiManifest, remoteOf } from '../remote/remote-manifest.js';
import { readScript, ScriptError } from '../script/script.js';
import { asManifest, ScriptManifest } from '../script/script-manifest.js';
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
  const data = await readJson(folder);
  switch (backendOf(data)) {
    case undefined:
      return await loadLocal(folder, data);
    case 'script':
      return await loadScript(folder, parseAs(ScriptManifest, folder, data));
    case 'kserve':
      return await loadKserve(folder, parseAs(KserveManifest, folder, data));
    case 'openpi':
      return await loadOpenpi(folder, parseAs(OpenpiManifest, folder, data));
    default:
      throw new BundleError(folder, 'backend', 'must be script, kserve or openpi; without it, the graph is run here');
  }
}

const backendOf = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'backend' in data ? data.backend : undefined;

async function loadLocal(folder: string, data: unknown): Promise<Bundle> {
  const manifest = checked(folder, parseAs(Manifest, folder, data));
  const files = await verifiedFiles(folder, manifest.sha256, [manifest.graph, manifest.inputs.text.vocabulary]);
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

/** A policy that a KServe v2 server runs: tokens and tables are made here, so the vocabulary belongs to the bundle. */
async function loadKserve(folder: string, source: KserveManifest): Promise<Bundle> {
  const manifest = checked(folder, manifestOf(source));
  const { vocabulary } = manifest.inputs.text;
  const files = await verifiedFiles(folder, manifest.sha256, [vocabulary]);
  const tokenizer = await readVocabulary(folder, manifest, files.get(vocabulary) ?? '');
  return { ...remoteBundle(folder, source, manifest), tokenize: (instruction) => tokenizer.encode(instruction) };
}

/** A policy behind the openpi wire: it gets the words. */
async function loadOpenpi(folder: string, source: OpenpiManifest): Promise<Bundle> {
  const manifest = checked(folder, manifestOf(source));
  const fault = checkKeys(source);
  if (fault !== null) throw new BundleError(folder, fault.field, fault.reason);
  await verifiedFiles(folder, manifest.sha256, []);
  const noTokens = new Int32Array(manifest.inputs.text.length);
  return { ...remoteBundle(folder, source, manifest), tokenize: () => noTokens };
}

function remoteBundle(folder: string, source: KserveManifest | OpenpiManifest, manifest: Manifest) {
  return {
    dir: folder,
    manifest,
    execute: executionHorizon(manifest),
    graphPath: '',
    remote: remoteOf(source),
    describe: () => describeModel(manifest),
  };
}

/** A policy that plays a file: see ../script. */
async function loadScript(folder: string, source: ScriptManifest): Promise<Bundle> {
  const manifest = checked(folder, asManifest(source));
  const { actions, loop, latency_ms } = source.script;
  const files = await verifiedFiles(folder, manifest.sha256, [actions]);
  const bytes = await readFile(files.get(actions) ?? '');
  const noTokens = new Int32Array(manifest.inputs.text.length);
  try {
    const entries = readScript(actions, bytes, { chunkSize: manifest.chunk_size, dim: manifest.action_dim });
    return {
      dir: folder,
      manifest,
      execute: executionHorizon(manifest),
      graphPath: '',
      script: { entries, loop, latencyMs: latency_ms },
      describe: () => describeModel(manifest),
      tokenize: () => noTokens,
    };
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    throw new BundleError(folder, 'script.actions', `${actions}: ${error.message}`, error);
  }
}

async function readJson(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, MANIFEST_FILE), 'utf8'));
  } catch (cause) {
    throw new BundleError(folder, MANIFEST_FILE, cause instanceof Error ? cause.message : 'cannot be read', cause);
  }
}

function parseAs<T>(schema: z.ZodType<T>, folder: string, data: unknown): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BundleError(folder, issue?.path.join('.') || MANIFEST_FILE, issue?.message ?? 'is not valid');
}

function checked(folder: string, manifest: Manifest): Manifest {
  const fault = checkManifest(manifest);
  if (fault !== null) throw new BundleError(folder, fault.field, fault.reason);
  return manifest;
}

/** Absolute paths of all files that the manifest lists, each with the hash that it gives; `needed` must be among them. */
async function verifiedFiles(
  folder: string,
  sha256: Manifest['sha256'],
  needed: readonly string[],
): Promise<Map<string, string>> {
  for (const path of needed) {
    if (sha256[path] === undefined) throw new BundleError(folder, `sha256.${path}`, 'is missing');
  }
  const files = new Map<string, string>();
  for (const [path, expected] of Object.entries(sha256)) files.set(path, await verifiedFile(folder, path, expected));
  return files;
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
