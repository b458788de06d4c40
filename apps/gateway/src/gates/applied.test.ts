import type { JournalRecord, RejectedObservationsEvent } from '@sinew/journal';
import type { FreshOpen } from '@sinew/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { infer, inferenceRequest } from '../testing/rest.js';
import { scriptModel } from '../testing/script-model.js';
import { Gate, scriptedModels } from '../testing/scripted-models.js';
import { OPEN, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
beforeEach(async () => {
  server = await startTestGateway();
});
afterEach(() => server.stop());

/** By its labels, `field/reason` or a gate. */
async function metric(name: string): Promise<Record<string, number>> {
  const page = await (await fetch(`${server.http}/metrics`)).text();
  const lines = [...page.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\d+)$`, 'gm'))];
  return Object.fromEntries(
    lines.map(([, labels = '', value]) => [
      [...labels.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join('/'),
      Number(value),
    ]),
  );
}
const failures = () => metric('vla_validation_failures_total');
const gates = () => metric('vla_hard_rejections_total');

const isRejected = (record: JournalRecord): record is RejectedObservationsEvent =>
  record.kind === 'event' && record.event === 'rejected_observations';

/** Every record of a refusal, once there are as many: they are gathered for a second. */
const rejected = (count: number): Promise<RejectedObservationsEvent[]> =>
  vi.waitFor(
    async () => {
      const found = (await server.journaled()).filter(isRejected);
      expect(found.length).toBeGreaterThanOrEqual(count);
      return found;
    },
    { timeout: 15_000 },
  );

test('REST: 422 names field and reason, counts by the rule, and leaves a record without session', async () => {
  const body = (change: object) => ({ ...inferenceRequest(), ...change });
  const refused = [
    await infer(server, body({ robot_config: { type: 'UNKNOWN' } })),
    await infer(server, body({ instruction: 'go' })),
    await infer(server, body({ instruction: 'go' })),
    await infer(server, body({ image: `data:image/jpeg;base64,${'QUJD'.repeat(600)}` })),
    await infer(server, body({ request_id: 'mine' })),
  ];
  expect(refused.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422]);
  expect(await refused[0]?.json()).toEqual({
    error: 'validation_failed',
    message: 'robot_config.type: cannot be UNKNOWN',
    field: 'robot_config.type',
    reason: 'cannot be UNKNOWN',
    status_code: 422,
    request_id: expect.any(String),
  });
  expect(await failures()).toEqual({
    'robot_type/unknown': 1,
    'instruction/too_few_words': 2,
    'image/unknown_format': 1,
    'request_id/malformed': 1,
  });
  expect(await gates()).toEqual({ robot_type: 1, instruction: 2, image: 1 });
  const records = await rejected(4);
  expect(records.every(({ session_id }) => session_id === null)).toBe(true);
  expect(records.map(({ data }) => [data.rule, data.count, data.robot_type, data.source])).toEqual([
    ['robot_type.unknown', 1, null, 'rest'],
    ['instruction.too_few_words', 2, 'franka_panda', 'rest'],
    ['image.unknown_format', 1, 'franka_panda', 'rest'],
    ['request_id.malformed', 1, null, 'rest'],
  ]);
});

test('stream: `error` names field and reason, never the rule; the session’s record carries it', async () => {
  const client = await server.robot();
  const small = { main: { kind: 'encoded', data: new Uint8Array(900) } } as const;
  for (let seq = 0; seq < 3; seq++) client.send(observation(seq, { images: small }));
  client.send(observation(3, { state: new Float64Array(3) }));
  const image = await client.next('error');
  expect(image).toEqual({
    type: 'error',
    code: 'validation_failed',
    message: 'images.main: under 1024 bytes encoded',
    fatal: false,
    field: 'images.main',
    reason: 'under 1024 bytes encoded',
    observation_seq: 0,
  });
  await client.next('error', (error) => error.field === 'state');
  expect(await failures()).toEqual({ 'image/too_few_bytes': 3, 'state/wrong_length': 1 });
  expect(await gates()).toEqual({ image: 3 });
  client.send({ type: 'close' });
  await client.closed();
  const records = await rejected(2);
  expect(records.map(({ data }) => [data.rule, data.count, data.source])).toEqual([
    ['image.too_few_bytes', 3, 'stream'],
    ['state.wrong_length', 1, 'stream'],
  ]);
  expect(records.every(({ session_id }) => session_id !== null)).toBe(true);
});

test.each([
  [
    'a place that is none',
    { environment: { environment_type: 'the moon' } },
    'environment.environment_type',
    'environment_type/unknown',
  ],
  ['a placeholder', { robot_type: 'UNKNOWN' }, 'robot_type', 'robot_type/unknown'],
  ['a robot that nobody knows', { robot_type: 'hal9000' }, 'robot_type', 'robot_type/not_in_registry'],
  ['a rate beyond all', { control_hz: 1_000 }, 'control_hz', 'control_hz/out_of_range'],
  [
    'a box wider than the robot’s reach',
    { environment: { environment_type: 'lab', workspace: { min: [-8, -8, 0], max: [8, 8, 1] } } },
    'environment.workspace',
    'workspace/out_of_reach',
  ],
])('open: %s is refused with its field, and counted', async (_what, change, field, label) => {
  const client = await server.connect();
  client.send({ ...OPEN, ...change } as FreshOpen);
  const error = await client.next('error');
  expect(error).toMatchObject({ fatal: true, field });
  expect(error).not.toHaveProperty('rule');
  expect((await client.closed()).code).toBe(4422);
  expect(await failures()).toEqual({ [label]: 1 });
  const [record] = await rejected(1);
  expect(record).toMatchObject({
    session_id: null,
    data: { source: 'stream', count: 1, rule: label.replace('/', '.') },
  });
});

test('a request_id that comes again while its answer is made counts as a duplicate', async () => {
  await server.stop();
  const gate = new Gate(false);
  server = await startTestGateway({ models: await scriptedModels({ run: gate.run }) });
  const request = { ...inferenceRequest(), request_id: '01900000-0000-7000-8000-0000000000ff' };
  const first = infer(server, request);
  await vi.waitFor(() => expect(gate.ran).toHaveLength(1), { timeout: 15_000 });
  expect((await infer(server, request)).status).toBe(409);
  gate.open();
  expect((await first).status).toBe(200);
  expect((await infer(server, request)).headers.get('Idempotent-Replayed')).toBe('true');
  expect(await gates()).toEqual({ duplicate: 1 });
  const [record] = await rejected(1);
  expect(record?.data).toMatchObject({ rule: 'request_id.duplicate', count: 1, robot_type: 'franka_panda' });
});

test('what a policy answers against the rules is counted by them, and recorded', async () => {
  await server.stop();
  const models = await scriptModel([
    Array.from({ length: 4 }, () => ['NaN', 0, 0, 0, 0, 0, 1]),
    Array.from({ length: 4 }, () => [3, 0, 0, 0, 0, 0, 1]),
  ]);
  server = await startTestGateway({ models });
  const client = await server.robot({ pacing: 'lockstep' });
  for (let seq = 0; seq < 2; seq++) client.send(observation(seq, { images: {} }));
  const records = await rejected(2);
  expect(records.map(({ data }) => data.rule)).toEqual(['action.not_finite', 'action.too_large']);
  expect(await gates()).toEqual({ action_vector: 2 });
  client.terminate();
});
