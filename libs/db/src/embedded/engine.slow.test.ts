import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openEngine } from './engine.js';
import { simpleQuery } from './wire-frames.js';

// Makes databases, which takes seconds each.
vi.setConfig({ testTimeout: 300_000 });

test('files without the mark of a whole database are set aside, not deleted, and a new one says that it is new', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sinew-engine-'));
  try {
    mkdirSync(join(folder, 'pgdata', 'base', '1'), { recursive: true });
    writeFileSync(join(folder, 'pgdata', 'PG_VERSION'), '18\n');
    const first = await openEngine(folder);
    expect(first.created).toBe(true);
    expect(readdirSync(first.setAside ?? '')).toEqual(['PG_VERSION', 'base']);
    expect((await first.engine.exec(simpleQuery("SELECT 'it works'"))).toString('latin1')).toContain('it works');
    await first.engine.close();

    const again = await openEngine(folder);
    expect(again).toMatchObject({ created: false, setAside: null });
    await again.engine.close();

    rmSync(join(folder, 'pgdata'), { recursive: true });
    const lost = await openEngine(folder);
    expect(lost).toMatchObject({ created: true, setAside: null });
    await lost.engine.close();
    expect(existsSync(first.setAside ?? '')).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
