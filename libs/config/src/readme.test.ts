import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { markdownTable } from './help.js';
import { README_URL, readmeTable } from './readme-table.js';

it("the README's settings table is the one generated from SETTINGS (npm run docs rewrites it)", () => {
  expect(readmeTable(readFileSync(README_URL, 'utf8'))).toBe(markdownTable());
});
