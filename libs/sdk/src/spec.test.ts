import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('every rule of the wire that names the sdk stands in a title of its tests, and the reverse', () => {
  const here = new URL('.', import.meta.url);
  const spec = readFileSync(new URL('../../protocol/SPEC.md', here), 'utf8');
  const rules = [...spec.matchAll(/^- \*\*([WS]\d+)\*\* \(([^)]*)\)/gm)];
  const named = rules.filter(([, , provers]) => provers?.split(', ').includes('sdk')).map(([, id]) => String(id));
  const titled = new Set<string>();
  for (const file of readdirSync(here).filter((name) => name.endsWith('.test.ts')))
    for (const [, id] of readFileSync(new URL(file, here), 'utf8').matchAll(/\[([WS]\d+)\]/g)) titled.add(String(id));
  expect([...titled].sort()).toEqual(named.sort());
});
