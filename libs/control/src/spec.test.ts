import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('.', import.meta.url));

const TITLES = /\b(?:it|test)(?:\.each\([\s\S]*?\))?\(\s*['"`]([^'"`]*)/g;

it('SPEC.md says of every invariant of the safety reference where it is proved, and there it is', () => {
  const repository = `${source}../../../`;
  const rows = readFileSync(`${source}../SPEC.md`, 'utf8').matchAll(/^\| SAFE-([A-Z]\d+) \|[^|]*\|([^|]*)\|$/gm);
  const listed = new Set<string>();
  for (const [, id, where] of rows) {
    listed.add(`${id}`);
    const files = [...(where ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? '');
    expect(files.length, id).toBeGreaterThan(0);
    for (const file of files) {
      const path = file.startsWith('src/') ? `libs/control/${file}` : file;
      const titles = [...readFileSync(repository + path, 'utf8').matchAll(TITLES)].map((title) => title[1]);
      expect(
        titles.some((title) => title?.includes(`[SAFE-${id}]`)),
        `SAFE-${id} in ${path}`,
      ).toBe(true);
    }
  }
  const whole = { B: 8, D: 4, T: 7, E: 4, N: 4, G: 1, U: 3, C: 7 };
  const all = Object.entries(whole).flatMap(([letter, n]) => Array.from({ length: n }, (_, i) => `${letter}${i + 1}`));
  expect([...listed].sort()).toEqual(all.sort());
});

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
