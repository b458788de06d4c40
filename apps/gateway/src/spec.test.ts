import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SOURCES = dirname(fileURLToPath(import.meta.url));
const SPEC = fileURLToPath(import.meta.resolve('@sinew/protocol/package.json')).replace('package.json', 'SPEC.md');

test('the rules of the wire that SPEC.md assigns to the gateway stand in its test titles, and the reverse', () => {
  const assigned = [...readFileSync(SPEC, 'utf8').matchAll(/^- \*\*([WSO]\d+)\*\* \(([^)]*)\)/gm)]
    .filter(([, , packages]) => packages?.split(', ').includes('gateway'))
    .map(([, id]) => id);
  const titled = new Set<string>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts')) continue;
    for (const [, id] of readFileSync(join(SOURCES, file), 'utf8').matchAll(/\[([WSO]\d+)\]/g))
      titled.add(id as string);
  }
  expect([...titled].sort()).toEqual([...new Set(assigned)].sort());
});
