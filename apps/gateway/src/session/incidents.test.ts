import type { InferenceRecord, JournalRecord, SafetyIncidentEvent, TicksRecord } from '@sinew/journal';
import type { PolicyBackend } from '@sinew/policy';
import type { KeepOut } from '@sinew/protocol';
import { afterEach, expect, test } from 'vitest';
import { infer, inferenceRequest } from '../testing/rest.js';
import { moving, scriptedModels } from '../testing/scripted-models.js';
import type { StreamClient } from '../testing/stream-client.js';
import { observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
afterEach(() => server.stop());

const isIncident = (record: JournalRecord): record is SafetyIncidentEvent =>
  record.kind === 'event' && record.event === 'safety_incident';

async function run(options: { run: PolicyBackend['run']; state: readonly number[]; open?: object }) {
  server = await startTestGateway({ models: await scriptedModels({ run: options.run }) });
  const client = await server.robot({ control_hz: 50, robot_id: 'arm-1', ...options.open });
  let seq = 0;
  const observe = () => client.send(observation(seq++, { state: Float64Array.from(options.state) }));
  return { client, observe };
}

/** Closes the session, so that what is open is told to its end. */
async function journalOf(client: StreamClient): Promise<JournalRecord[]> {
  client.send({ type: 'close' });
  await client.closed();
  return server.journaled();
}

const notFinite: PolicyBackend['run'] = async (_slot, inputs) => ({
  outputs: inputs.map(() => ({ ok: true as const, actions: new Float32Array(8 * 7).fill(Number.NaN) })),
  decodeMs: 0,
  inferMs: 0,
});

const NEAR_THE_WALL = [0.49, 0, 0.2, 0, 0, 0, 1];

test.each(['paced', 'chunked', 'lockstep'] as const)(
  'a %s policy that leads out of the box: one incident with the worst step, proposed and sent, after its inference (J1)',
  async (pacing) => {
    const { client, observe } = await run({ run: moving(0.005), state: NEAR_THE_WALL, open: { pacing } });
    observe();
    await client.next(pacing === 'paced' ? 'action' : 'chunk', () => true);
    if (pacing === 'paced') await client.next('hold');
    const journal = await journalOf(client);
    const told = journal.filter(isIncident);
    expect(new Set(told.map(({ data }) => data.incident_id)).size).toBe(1);
    expect(told[0]?.data.closed_ms).toBeNull();
    const last = told.at(-1);
    expect(last).toMatchObject({
      robot_id: 'arm-1',
      episode: 0,
      data: {
        severity: 'low',
        violation_type: 'workspace',
        violation_types: ['workspace'],
        robot_type: 'franka_panda',
        instruction: 'pick up the red cube',
        environment_type: 'lab',
        action_taken: 'clamped',
        refusals: 0,
      },
    });
    const data = last?.data as SafetyIncidentEvent['data'];
    expect(data.closed_ms).not.toBeNull();
    expect(data.worst_excess).toBeCloseTo((0.49 + 8 * 0.005 - 0.5) / 0.5, 5);
    const inference = journal.findIndex((record) => record.kind === 'inference' && record.log_id === data.log_id);
    expect(inference).toBeGreaterThanOrEqual(0);
    expect(journal.findIndex(isIncident)).toBeGreaterThan(inference);
    // The very tick, as the ticks have it.
    const ticks = journal.filter((record): record is TicksRecord => record.kind === 'ticks');
    const row = ticks
      .flatMap((record) => record.seq.map((seq, i) => ({ seq, record, i })))
      .find(({ seq }) => seq === data.worst_tick);
    expect(row).toBeDefined();
    const column = (bytes: Uint8Array) =>
      Array.from(new Float64Array(bytes.slice().buffer).slice((row?.i ?? 0) * 7, ((row?.i ?? 0) + 1) * 7));
    expect(data.proposed).toEqual(column(row?.record.proposed as Uint8Array));
    expect(data.sent).toEqual(column(row?.record.sent as Uint8Array));
    expect(data.sent).not.toEqual(data.proposed);
  },
);

test('a policy that keeps its limits is no incident', async () => {
  const { client, observe } = await run({ run: moving(0.001), state: [0, 0, 0.2, 0, 0, 0, 1] });
  observe();
  await client.next('action');
  await client.next('hold');
  expect((await journalOf(client)).filter(isIncident)).toEqual([]);
});

test('chunks that are no numbers: high, refused, with what was sent instead', async () => {
  const { client, observe } = await run({ run: notFinite, state: NEAR_THE_WALL });
  observe();
  const hold = await client.next('hold', ({ reason }) => reason === 'safety');
  const journal = await journalOf(client);
  const refused = journal.find((record): record is InferenceRecord => record.kind === 'inference');
  expect(journal.filter(isIncident).at(-1)?.data).toMatchObject({
    severity: 'high',
    violation_type: 'not_finite',
    action_taken: 'refused',
    worst_excess: null,
    refusals: 1,
    ticks: 0,
    log_id: refused?.log_id,
    proposed: new Array(7).fill(Number.NaN),
    sent: Array.from(hold.values),
  });
  const text = await (await fetch(`${server.http}/metrics`)).text();
  expect(text).toContain('vla_safety_rejections_total{severity="high",violation_type="not_finite"} 1');
  expect(text).toContain('vla_safety_incidents_total{severity="high",violation_type="not_finite"} 1');
});

const beyond = (x: number): { keep_out: KeepOut[] } => ({ keep_out: [{ min: [x, -0.5, 0], max: [0.4, 0.5, 0.6] }] });
const MIDDLE = [0, 0, 0.2, 0, 0, 0, 1];

test('a policy that aims into a keep-out: critical, and nothing of it is sent', async () => {
  const { client, observe } = await run({ run: moving(0.005), state: MIDDLE, open: beyond(0.002) });
  observe();
  await client.next('hold', ({ reason }) => reason === 'safety');
  const moved = client.received.flatMap((m) => (m.type === 'action' || m.type === 'hold' ? [m.values[0]] : []));
  expect(moved.every((step) => step === 0)).toBe(true);
  const told = (await journalOf(client)).filter(isIncident).at(-1);
  expect(told?.data).toMatchObject({
    severity: 'critical',
    violation_type: 'collision',
    worst_excess: 1,
    action_taken: 'refused',
  });
});

test('a chunk whose later steps aim into a keep-out: they are held, and their inference is named', async () => {
  const { client, observe } = await run({
    run: moving(0.005),
    state: MIDDLE,
    open: { ...beyond(0.022), pacing: 'lockstep' },
  });
  observe();
  const { log_id, values } = await client.next('chunk');
  const moved = Array.from({ length: 8 }, (_, k) => values[k * 7] ?? 0).reduce((sum, step) => sum + step, 0);
  expect(moved).toBeLessThanOrEqual(0.022 + 1e-6);
  const journal = await journalOf(client);
  expect(journal.filter(isIncident).at(-1)?.data).toMatchObject({
    severity: 'critical',
    violation_type: 'collision',
    action_taken: 'held',
    refusals: 0,
    log_id,
  });
  const text = await (await fetch(`${server.http}/metrics`)).text();
  expect(text).toMatch(/vla_safety_checks_total\{result="rejected"\} [1-9]/);
  expect(text).toMatch(/vla_safety_rejections_total\{severity="critical",violation_type="collision"\} [1-9]/);
});

test('it gets a record when it gets worse, and the counters of the session tell of it', async () => {
  let bad = false;
  const wall = moving(0.005);
  const { client, observe } = await run({
    run: (slot, inputs, deadline) => (bad ? notFinite : wall)(slot, inputs, deadline),
    state: NEAR_THE_WALL,
  });
  observe();
  await client.next('action');
  await client.next('hold');
  bad = true;
  observe();
  await client.next('hold', ({ reason }) => reason === 'safety');
  client.send({ type: 'close' });
  const closed = await client.next('closed');
  expect(closed.counters.incidents).toBe(1);
  const told = (await server.journaled())
    .filter(isIncident)
    .map(({ data }) => [data.severity, data.closed_ms === null]);
  expect(told).toEqual([
    ['low', true],
    ['high', true],
    ['high', false],
  ]);
});

test('REST: a plan that leads out of the box, and a chunk that is refused, are incidents without a session', async () => {
  server = await startTestGateway({ models: await scriptedModels({ run: moving(0.005) }) });
  const answer = await infer(server, {
    ...inferenceRequest(),
    state: NEAR_THE_WALL,
    robot_config: { type: 'franka_panda', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
  });
  expect(answer.status).toBe(200);
  const { log_id } = (await answer.json()) as { log_id: number };
  const [incident] = (await server.journaled()).filter(isIncident);
  expect(incident).toMatchObject({
    session_id: null,
    data: { violation_type: 'workspace', log_id, action_taken: 'clamped', model_id: 'null' },
  });
  expect(incident?.data.closed_ms).not.toBeNull();
  await server.stop();

  server = await startTestGateway({ models: await scriptedModels({ run: notFinite }) });
  expect((await infer(server)).status).toBe(422);
  expect((await server.journaled()).filter(isIncident)).toMatchObject([
    { data: { violation_type: 'not_finite', action_taken: 'refused', sent: null } },
  ]);
});

test.each(['paced', 'chunked', 'lockstep'] as const)(
  '[R4] what a %s robot carried against its instruction is told at the end of the episode',
  async (pacing) => {
    const closed = new Float32Array(8 * 7);
    // Right, with the gripper closed: y is left.
    for (let row = 0; row < 8; row++) closed[row * 7 + 1] = -0.005;
    const run_: PolicyBackend['run'] = async (_slot, inputs) => ({
      outputs: inputs.map(() => ({ ok: true as const, actions: closed.slice() })),
      decodeMs: 0,
      inferMs: 0,
    });
    server = await startTestGateway({ models: await scriptedModels({ run: run_ }) });
    const client = await server.robot({
      control_hz: 50,
      pacing,
      instruction: 'move the cube to the left',
      stale_after_ms: 2_000,
    });
    let seq = 0;
    let far = 0;
    const look = (applied: object) =>
      client.send(observation(seq++, { state: Float64Array.of(0, -far, 0.2, 0, 0, 0, 0), ...applied }));
    const camera = pacing === 'lockstep' ? undefined : setInterval(() => look({}), 15);
    try {
      while (far < 0.1) {
        if (pacing === 'paced') far -= (await client.next('action')).values[1] ?? 0;
        else {
          if (pacing === 'lockstep') look(seq === 0 ? {} : { applied_seq: 8 * seq - 1 });
          const { values } = await client.next('chunk');
          for (let k = 0; k * 7 < values.length; k++) far -= values[k * 7 + 1] ?? 0;
        }
      }
    } finally {
      clearInterval(camera);
    }
    client.send({ type: 'reset', outcome: { success: false } });
    client.send({ type: 'close' });
    expect((await client.next('closed')).counters.direction_mismatches).toBe(1);
    // This robot takes chunks that overlap for one way, so on a busy machine it drifts from what was commanded.
    const events = (await server.journaled()).filter(
      (record) => record.kind === 'event' && record.event !== 'safety_incident',
    );
    expect(events).toMatchObject([{ event: 'direction_mismatch' }, { event: 'reset' }]);
    expect(events[0]).toMatchObject({ episode: 0, data: { asked: 'left' } });
    const text = await (await fetch(`${server.http}/metrics`)).text();
    expect(text).toContain('vla_safety_direction_mismatches_total 1');
  },
);

test('vla_safety_*: names and labels of the platform, counted for every pacing', async () => {
  const { client, observe } = await run({
    run: moving(0.02),
    state: [0, 0, 0.2, 0, 0, 0, 1],
    open: { pacing: 'chunked' },
  });
  observe();
  await client.next('chunk');
  await infer(server);
  const text = await (await fetch(`${server.http}/metrics`)).text();
  const value = (line: string) => Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1]);
  const [passed, clamped] = ['passed', 'clamped'].map((result) => value(`vla_safety_checks_total{result="${result}"}`));
  expect(clamped).toBeGreaterThan(0);
  expect((passed ?? 0) + (clamped ?? 0)).toBeGreaterThanOrEqual(10);
  expect(value('vla_safety_checks_total{result="rejected"}')).toBe(0);
  expect(
    value('vla_safety_modifications_total{type="acceleration"}') +
      value('vla_safety_modifications_total{type="velocity"}'),
  ).toBeGreaterThan(0);
  expect(value('vla_safety_score_histogram_count')).toBe(2);
  expect(text).not.toMatch(/vla_safety_modifications_total\{type="(policy_|rejected|restart|drift)/);
});
