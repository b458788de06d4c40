import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const here = new URL('.', import.meta.url);

test('every rule of SPEC.md stands in a test title, and every rule in a title stands in SPEC.md', () => {
  const spec = readFileSync(new URL('../SPEC.md', here), 'utf8');
  const rules = [...spec.matchAll(/^- \*\*([PQ]\d+)\*\*/gm)].map(([, id]) => String(id));
  expect(new Set(rules).size).toBe(rules.length);

  const inTitles = new Set<string>();
  for (const file of readdirSync(here, { recursive: true, encoding: 'utf8' })) {
    // The backend contract is a suite that test files call.
    if (!file.endsWith('.test.ts') && !file.endsWith('-contract.ts')) continue;
    for (const [, id] of readFileSync(new URL(file, here), 'utf8').matchAll(/\[([PQ]\d+)\]/g)) inTitles.add(String(id));
  }
  expect([...inTitles].sort()).toEqual([...rules].sort());
});
