import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand } from '../main.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-consent-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function sinew(...argv: string[]): Promise<{ code: number; out: string[]; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    env: {},
    isTty: false,
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  };
  const code = await runCommand([...argv, '--data-dir', dir], terminal);
  return { code, out, err: err.join('\n') };
}

it('consent is set, narrowed, taken back and accounted for, and outlives the embedded database', async () => {
  expect((await sinew('customers', 'create', 'acme')).code).toBe(0);
  expect((await sinew('consent', 'show', 'acme')).out).toEqual([
    'none, version 0',
    'may be kept now: nothing beyond operation',
  ]);
  const set = await sinew('consent', 'set', 'acme', '--tier', 'research', '--deny', 'training', '--reason', 'signed');
  expect(set.out).toEqual(['research, version 1', 'may be kept now: image, embedding, instruction text, free text']);
  const wider = await sinew('consent', 'set', 'acme', '--tier', 'analytics', '--anonymization', 'partial');
  expect([wider.code, wider.err]).toEqual([2, expect.stringContaining('anonymization_level')]);
  const late = await sinew('consent', 'set', 'acme', '--tier', 'analytics', '--if-version', '0');
  expect([late.code, late.err]).toEqual([1, expect.stringContaining('version 1')]);
  const ending = await sinew('consent', 'set', 'acme', '--tier', 'analytics', '--expires-days', '30', '--json');
  expect(JSON.parse(ending.out[0] ?? '')).toMatchObject({ consent_tier: 'analytics', consent_version: 2 });

  expect((await sinew('migrate', '--rebuild')).code).toBe(0);
  expect((await sinew('consent', 'revoke', 'acme')).out[0]).toBe('none, version 3');
  const { out } = await sinew('consent', 'audit', 'acme');
  expect(out.slice(1).map((line) => line.split(/ {2,}/).filter((_, i) => i !== 1))).toEqual([
    ['3', 'revoke', 'analytics → none', 'command line', '–', '–'],
    ['2', 'update', 'research → analytics', 'command line', '–', '–'],
    ['1', 'grant', '– → research', 'command line', '–', 'signed'],
  ]);
}, 400_000);
