import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

// SPEC.md says of each rule which packages prove it. Here: every rule that names this package stands in a title of this
// package's tests, and every rule in a title names this package. A package that proves rules of this page checks its own likewise.

const here = new URL('.', import.meta.url);
const spec = readFileSync(new URL('../SPEC.md', here), 'utf8');

/** Rule lines look like: `- **W6** (protocol, gateway) text`. */
function rulesProvedBy(name: string): string[] {
  const rules = [...spec.matchAll(/^- \*\*([WSO]\d+)\*\* \(([^)]*)\)/gm)];
  return rules.filter(([, , provers]) => provers?.split(', ').includes(name)).map(([, id]) => String(id));
}

it('every rule of SPEC.md that this package proves stands in a test title, and the reverse', () => {
  const sources = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  const inTitles = new Set<string>();
  for (const file of sources)
    for (const [, id] of readFileSync(new URL(file, here), 'utf8').matchAll(/\[([WSO]\d+)\]/g))
      inTitles.add(String(id));
  expect([...inTitles].sort()).toEqual(rulesProvedBy('protocol').sort());
});

it('SPEC.md has every rule W0 to W7 and S1 to S14 once', () => {
  const ids = [...spec.matchAll(/^- \*\*([WS]\d+)\*\* \(/gm)].map(([, id]) => String(id));
  const range = (letter: string, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `${letter}${from + i}`);
  expect(ids).toEqual([...range('W', 0, 7), ...range('S', 1, 14)]);
});
