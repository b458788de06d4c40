import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILT_IN_BUNDLES, MANIFEST_FILE } from '../bundle/load-bundle.js';

type Json = Record<string, unknown>;

/** A copy of the built-in bundle in a folder of its own, to be spoilt. `change` edits the parsed manifest in place. */
export async function copyBundle(change: (manifest: Json) => void = () => {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bundle-'));
  const source = join(BUILT_IN_BUNDLES, 'tabletop-v1');
  for (const file of [MANIFEST_FILE, 'policy.onnx', 'vocab.json']) await cp(join(source, file), join(dir, file));
  const path = join(dir, MANIFEST_FILE);
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Json;
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
  return dir;
}

/** Writes a file of the bundle and its hash into the manifest. */
export async function replaceFile(dir: string, file: string, content: string): Promise<void> {
  await writeFile(join(dir, file), content);
  const path = join(dir, MANIFEST_FILE);
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { sha256: Record<string, string> };
  manifest.sha256[file] = createHash('sha256').update(content).digest('hex');
  await writeFile(path, JSON.stringify(manifest));
}
