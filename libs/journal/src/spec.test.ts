import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const source = fileURLToPath(new URL('.', import.meta.url));

describe('SPEC.md', () => {
  it('names exactly the rules that tests prove', () => {
    const spec = readFileSync(`${source}../SPEC.md`, 'utf8');
    const rules = new Set([...spec.matchAll(/^- ([A-Z]\d+[a-z]?) /gm)].map((match) => match[1]));
    const proved = new Set<string | undefined>();
    for (const file of readdirSync(source).filter((name) => name.endsWith('.test.ts'))) {
      const text = readFileSync(source + file, 'utf8');
      for (const title of text.matchAll(/\b(?:it|describe)(?:\.each\(\[[\s\S]*?\]\))?\(\s*['"`]([^'"`]*)/g)) {
        for (const id of (title[1] ?? '').matchAll(/\[([A-Z]\d+[a-z]?)\]/g)) proved.add(id[1]);
      }
    }
    expect(rules.size).toBeGreaterThan(10);
    expect([...proved].sort()).toEqual([...rules].sort());
  });
});
