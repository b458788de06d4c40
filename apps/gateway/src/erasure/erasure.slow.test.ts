import { setTimeout as sleep } from 'node:timers/promises';
import { type JournalEntry, type JournalRecord, JournalWriter, LOG_ID_EPOCH_MS } from '@sinew/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErasureWorld, type Tenant } from '../testing/erasure-world.js';
import { StreamClient } from '../testing/stream-client.js';
import { OPEN, observation } from '../testing/test-gateway.js';

describe('erasing on real processes', { timeout: 120_000 }, () => {
  let world: ErasureWorld;

  beforeEach(async () => {
    world = await ErasureWorld.create();
  });
  afterEach(() => world.close());

  const texts = (rows: Record<string, string[]>): string => Object.values(rows).flat().join('\n');

  /** What everybody but the tenant has in the journal, and where. */
  const others = (entries: readonly JournalEntry[], tenant: Tenant) =>
    entries.filter(({ record }) => record.customer_id !== tenant.customer_id);

  /** A robot that was told something, moved, and was told something else; its session is over. */
  async function stream(tenant: Tenant): Promise<void> {
    const client = await StreamClient.connect(world.port, tenant.key);
    const info = { name: tenant.word, version: '1' };
    client.send({ ...OPEN, instruction: `pick up the ${tenant.word}`, client: info });
    await client.next('opened');
    client.send(observation(1));
    await client.next('action');
    client.send({ type: 'instruction', instruction: `put the ${tenant.word} down` });
    client.send(observation(2));
    await client.next('action');
    client.send({ type: 'close' });
    await client.next('closed');
  }

  const rate = (tenant: Tenant, log_id: number) =>
    world.call('POST', '/v1/feedback/success', tenant, { log_id, rating: 1, notes: `the ${tenant.word} fell` });

  it('after shipping: nothing of the customer is left anywhere, everything of the other is, and a rebuild brings nothing back', async () => {
    await world.startGateway();
    await world.startShipper();
    const { mine, theirs } = world;
    for (const tenant of [mine, theirs]) {
      const logId = await world.infer(tenant);
      await stream(tenant);
      await world.shipped();
      expect((await rate(tenant, logId)).status).toBe(201);
    }
    await world.shipped();
    const before = { rows: await world.rows(theirs), journal: others(await world.entries(), mine) };
    expect(texts(await world.rows(mine))).toContain(mine.word);
    expect((await world.filesWith(mine.word)).join()).toMatch(/journal.*/);

    const inferences = (await world.entries()).filter(
      ({ record }) => record.kind === 'inference' && record.customer_id === mine.customer_id,
    ).length;
    const asked = await world.call('DELETE', `/admin/customers/${mine.customer_id}/data`, mine);
    expect([200, 202]).toContain(asked.status);
    const report = await world.complete(mine, asked.body.erasure_id as string);
    expect(report).toMatchObject({ customer_id: mine.customer_id, log_id: null, pending: [] });
    expect(report.tables.removed).toMatchObject({ inference_logs: inferences, feedback: 1 });
    expect(report.tables.blanked).toMatchObject({ sessions: 1, episodes: 1 });
    expect(report.journals).toMatchObject([
      { removed: { inference: inferences, instruction: 1, feedback: 1 }, blanked: { session: 2 } },
    ]);

    expect(texts(await world.rows(mine))).not.toContain(mine.word);
    expect(await world.filesWith(mine.word)).toEqual([]);
    expect((await world.rows(mine)).inference_logs).toEqual([]);
    expect(await world.rows(theirs)).toEqual(before.rows);
    expect(others(await world.entries(), mine)).toEqual(before.journal);

    await world.rebuild();
    await world.startShipper();
    await world.shipped();
    const rebuilt = await world.rows(mine);
    expect([rebuilt.inference_logs, rebuilt.feedback]).toEqual([[], []]);
    expect(texts(rebuilt)).not.toContain(mine.word);
    const again = await world.rows(theirs);
    expect(again.inference_logs).toEqual(before.rows.inference_logs);
    expect(again.episodes).toEqual(before.rows.episodes);
    expect(again.feedback).toHaveLength(1);
    await world.startGateway();
    expect(await world.complete(mine, asked.body.erasure_id as string)).toMatchObject({
      finished_at: report.finished_at,
    });
  });

  it('before shipping, and between: what the journal still held never arrives; what is said afterwards does', async () => {
    await world.startGateway();
    await world.startShipper();
    const { mine, theirs } = world;
    const shippedLog = await world.infer(mine);
    await world.shipped();
    await world.stopShipper('SIGKILL');
    await world.infer(mine);
    const foreign = await world.infer(theirs);
    const asked = await world.call('DELETE', `/admin/customers/${mine.customer_id}/data`, mine);
    // The shipper's checkpoint is its own to clean, and it is not there.
    expect(asked.status).toBe(202);
    expect(asked.body.pending).toMatchObject([{ part: 'shipper' }]);
    const later = await world.infer(mine);
    await world.startShipper();
    const report = await world.complete(mine, asked.body.erasure_id as string);
    await world.shipped();
    expect(report.journals).toMatchObject([{ removed: { inference: 2 } }]);
    const ids = (rows: string[] | undefined) => rows?.map((row) => (JSON.parse(row) as { log_id: number }).log_id);
    expect(ids((await world.rows(mine)).inference_logs)).toEqual([later]);
    expect(ids((await world.rows(theirs)).inference_logs)).toEqual([foreign]);
    expect(shippedLog).toBeLessThan(later);
  });

  it('one inference: it, and what was said of it; asked again, the same report; of nobody else', async () => {
    await world.startGateway();
    await world.startShipper();
    const { mine, theirs } = world;
    const one = await world.infer(mine);
    const two = await world.infer(mine);
    for (const logId of [one, two]) expect((await rate(mine, logId)).status).toBe(201);
    await world.shipped();
    expect((await world.call('DELETE', `/v1/data/${one}`, theirs)).status).toBe(404);
    const asked = await world.call('DELETE', `/v1/data/${one}`, mine);
    await world.complete(mine, asked.body.erasure_id as string);
    const again = await world.call('DELETE', `/v1/data/${one}`, mine);
    expect(again).toMatchObject({ status: 200, body: { erasure_id: asked.body.erasure_id, log_id: one } });
    const { feedback, inference_logs } = await world.rows(mine);
    expect(inference_logs).toHaveLength(1);
    expect(inference_logs?.[0]).toContain(String(two));
    expect(feedback).toHaveLength(1);
    expect((await rate(mine, one)).status).toBe(404);
    const records = (await world.entries()).map(({ record }) => record);
    expect(records.filter(({ kind }) => kind === 'inference').map(({ log_id }) => log_id)).toEqual([two]);
  });

  it('a session that runs goes on: what it says afterwards is new', async () => {
    await world.startGateway();
    await world.startShipper();
    const { mine } = world;
    const client = await StreamClient.connect(world.port, mine.key);
    client.send({ ...OPEN, instruction: `pick up the ${mine.word}` });
    await client.next('opened');
    client.send(observation(1));
    await client.next('action');
    await world.shipped();
    const asked = await world.call('DELETE', `/admin/customers/${mine.customer_id}/data`, mine);
    expect(asked.status).toBe(202);
    client.send({ type: 'instruction', instruction: 'pick up the narwhal' });
    client.send(observation(2));
    await client.next('action');
    client.send({ type: 'reset' });
    client.send(observation(3));
    await client.next('action');
    const report = await world.complete(mine, asked.body.erasure_id as string);
    client.send({ type: 'close' });
    await client.next('closed');
    await world.shipped();
    expect(report.journals[0]?.removed.inference).toBeGreaterThanOrEqual(1);
    const text = texts(await world.rows(mine));
    expect(text).not.toContain(mine.word);
    expect(text).toContain('narwhal');
    expect(await world.filesWith(mine.word)).toEqual([]);
  });

  it('kill -9 in the middle, again and again: it is carried on to its end, and harms nobody else', async () => {
    const { mine, theirs } = world;
    await fill(world, [mine, theirs], 4_000);
    const before = others(await world.entries(), mine);
    await world.startGateway();
    const asking = world.call('DELETE', `/admin/customers/${mine.customer_id}/data`, mine).catch(() => null);
    // The request is in force when it is registered; its answer is not waited for.
    let erasureId: string | undefined;
    while (erasureId === undefined) {
      erasureId = await world.on(async (pool) => {
        const { rows } = await pool.query<{ erasure_id: string }>('SELECT erasure_id FROM vlaapi.erasures');
        return rows[0]?.erasure_id;
      });
    }
    for (const afterMs of [0, 40, 90, 150, 250]) {
      await sleep(afterMs);
      await world.stopGateway('SIGKILL');
      // Readers beside it pass what is half done; nothing of the other is lost to them.
      expect(others(await world.entries(), mine).map(({ next }) => next)).toEqual(before.map(({ next }) => next));
      await world.startGateway();
    }
    await asking;
    const report = await world.complete(mine, erasureId);
    expect(report.journals).toMatchObject([{ unreadable_bytes: 0 }]);
    const { removed, removed_before } = report.journals[0] as (typeof report.journals)[number];
    expect((removed.inference ?? 0) + removed_before).toBe(4_000);
    expect(await world.filesWith(mine.word)).toEqual([]);
    const after = await world.entries();
    expect(others(after, mine)).toEqual(before);
    // No robot was stopped for records that were half erased.
    expect(after.some(({ record }) => record.kind === 'event' && record.event === 'estop')).toBe(false);
    await world.startShipper();
    await world.shipped();
    expect((await world.rows(mine)).inference_logs).toEqual([]);
    expect((await world.rows(theirs)).inference_logs).toHaveLength(4_000);
  });
});

/** A journal with so many inferences of each tenant, by turns. */
async function fill(world: ErasureWorld, tenants: readonly Tenant[], count: number): Promise<void> {
  const writer = await JournalWriter.open({
    dir: world.journal,
    node: 0,
    budgetBytes: 1 << 30,
    now: Date.now,
  });
  const started = Date.now() - 60_000 - LOG_ID_EPOCH_MS;
  for (let i = 0; i < count; i++) {
    for (const [n, tenant] of tenants.entries()) {
      writer.append(inferenceRecord(tenant, (started + i) * 8_192 + n));
    }
    if (i % 1_000 === 0) await writer.sync();
  }
  await writer.close();
}

function inferenceRecord({ customer_id, word }: Tenant, log_id: number): JournalRecord {
  const tail = log_id.toString(16).padStart(12, '0').slice(-12);
  return {
    v: 1,
    kind: 'inference',
    log_id,
    t_ms: Math.floor(log_id / 8_192) + LOG_ID_EPOCH_MS,
    session_id: null,
    customer_id,
    request_id: `01980000-0000-7000-8000-${tail}`,
    key_id: '01980000-0000-7000-8000-00000000000d',
    episode: 0,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_id: 'null',
    model_version: '1',
    instruction: `pick up the ${word}`,
    observation_seq: 1,
    observation_age_ms: 1,
    base_tick: 0,
    state: [0.1, 0.2],
    image_shape: [96, 96, 3],
    chunk: new Uint8Array(8),
    shape: [1, 2],
    queue_ms: 1,
    decode_ms: 1,
    inference_ms: 1,
    total_ms: 3,
    status: 'ok',
    safety_score: 1,
    safety_flags: [],
  };
}
