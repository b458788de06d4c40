import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('.', import.meta.url));

it('SPEC.md names exactly the rules that tests prove', () => {
  const spec = readFileSync(`${source}../SPEC.md`, 'utf8');
  const rules = new Set([...spec.matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map((match) => match[1]));
  const proved = new Set<string | undefined>();
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  )) {
    const text = readFileSync(source + file, 'utf8');
    for (const title of text.matchAll(/\bit(?:\.each\([\s\S]*?\))?\(\s*['"`]([^'"`]*)/g)) {
      for (const id of (title[1] ?? '').matchAll(/\[([A-Z]\d+)\]/g)) proved.add(id[1]);
    }
  }
  expect(rules.size).toBeGreaterThan(20);
  expect([...proved].sort()).toEqual([...rules].sort());
});
