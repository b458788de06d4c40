import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openEngine } from './engine.js';
import { simpleQuery } from './wire-frames.js';

vi.setConfig({ testTimeout: 300_000 });

test('a first start that was cut off half way is begun again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sinew-engine-'));
  try {
    mkdirSync(join(folder, 'pgdata', 'base', '1'), { recursive: true });
    writeFileSync(join(folder, 'pgdata', 'PG_VERSION'), '18\n');
    const engine = await openEngine(folder);
    expect((await engine.exec(simpleQuery("SELECT 'it works'"))).toString('latin1')).toContain('it works');
    await engine.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
