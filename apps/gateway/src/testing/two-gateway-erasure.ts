import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErasureBody } from '@sinew/contracts';
import { readJournal } from '@sinew/journal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ErasureWorld } from './erasure-world.js';
import { startGatewayEntry } from './gateway-child.js';
import { inferenceRequest } from './rest.js';

/** Each gateway has a journal that only it may change: also one that is switched off when the erasure is asked for. */
export function registerTwoGatewayErasureTests(start: () => Promise<{ url: string; close(): Promise<void> }>): void {
  let world: ErasureWorld;
  let otherDir: string;

  beforeEach(async () => {
    world = await ErasureWorld.create(start);
    otherDir = mkdtempSync(join(tmpdir(), 'sinew-other-'));
  });
  afterEach(async () => {
    await world.close();
    rmSync(otherDir, { recursive: true, force: true });
  });

  const startOther = () => startGatewayEntry(world.databaseUrl, otherDir, { SINEW_NODE: '1' });
  const otherFilesWith = (word: string): string[] =>
    readdirSync(join(otherDir, 'journal')).filter((name) =>
      readFileSync(join(otherDir, 'journal', name)).includes(word),
    );

  it('an erasure is complete when every gateway has erased its journal, also one that was off', async () => {
    const { mine, theirs } = world;
    const other = await startOther();
    for (const tenant of [mine, theirs]) {
      const answer = await fetch(`http://127.0.0.1:${other.ready.port}/v1/inference`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${tenant.key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(inferenceRequest(`pick up the ${tenant.word}`)),
      });
      expect(answer.status, await answer.text()).toBe(200);
    }
    await other.stop('SIGKILL');
    expect(otherFilesWith(mine.word)).toHaveLength(1);

    await world.startGateway();
    await world.infer(mine);
    const asked = await world.call('DELETE', `/admin/customers/${mine.customer_id}/data`, mine);
    expect(asked.status).toBe(202);
    const report = asked.body as unknown as ErasureBody;
    const pending = report.pending.filter(({ part }) => part === 'journal').map(({ node }) => node);
    expect(pending).toContain(1);
    expect(await world.filesWith(mine.word)).toEqual([]);

    const again = await startOther();
    try {
      const complete = await world.complete(mine, report.erasure_id);
      expect(complete.journals.map(({ node, removed }) => [node, removed])).toEqual([
        [0, { inference: 1 }],
        [1, { inference: 1 }],
      ]);
      expect(otherFilesWith(mine.word)).toEqual([]);
      const kept: unknown[] = [];
      for await (const { record } of readJournal({ dir: join(otherDir, 'journal') })) {
        if (record.kind === 'inference') kept.push(record.instruction);
      }
      expect(kept).toEqual([`pick up the ${theirs.word}`]);
    } finally {
      await again.stop();
    }
  }, 120_000);
}
