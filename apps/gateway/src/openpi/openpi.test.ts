import { readJournal, saveCheckpoint } from '@sinew/journal';
import { encodeOpenpi, float64Array, isNdArray, uint8Array } from '@sinew/protocol/openpi';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OpenpiTestClient, openpiObservation, PICTURE, REST, rows } from '../testing/openpi-client.js';
import { Gate, moving, scriptedModels } from '../testing/scripted-models.js';
import { ADMIN_KEY, KEY, OTHER_KEY, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

const QUERY = 'robot_type=franka_panda&workspace=-0.5,-0.5,0,0.5,0.5,0.6';

let server: TestGateway;
const urlOf = (query = QUERY) => `${server.http.replace('http', 'ws')}/v1/openpi?${query}`;
const connect = (query?: string, headers?: Record<string, string>) => OpenpiTestClient.connect(urlOf(query), headers);
/** Past its metadata. */
async function greeted(query?: string): Promise<OpenpiTestClient> {
  const client = await connect(query);
  await client.metadata();
  return client;
}
const noMotion = (actions: number[][]) => actions.every((row) => row.slice(0, 6).every((value) => value === 0));

describe('a connection', () => {
  let gate: Gate;
  beforeEach(async () => {
    gate = new Gate(true, moving(0.02));
    server = await startTestGateway({ models: await scriptedModels({ run: gate.run, maxBatch: 8 }) });
  });
  afterEach(() => server.stop());

  test('[O3] metadata is the first frame, unprompted; then one reply an observation with actions and timing', async () => {
    const client = await connect();
    expect(await client.metadata()).toMatchObject({
      policy: 'null',
      robot_type: 'franka_panda',
      action_space: 'ee_delta',
      action_horizon: 8,
      action_dim: 7,
      execute: null,
      estopped: false,
      cameras: [{ name: 'main', height: 96, width: 96 }],
    });
    const first = await client.infer(openpiObservation());
    expect(Object.keys(first)).toEqual(['actions', 'policy_timing', 'server_timing']);
    expect(isNdArray(first.actions) && [first.actions.dtype, ...first.actions.shape]).toEqual(['<f4', 8, 7]);
    expect(Object.keys(first.policy_timing ?? {})).toEqual(['infer_ms']);
    expect(Object.keys(first.server_timing ?? {})).toEqual(['infer_ms']);
    const second = await client.infer(openpiObservation());
    expect(Object.keys(second.server_timing ?? {})).toEqual(['infer_ms', 'prev_total_ms']);
    expect(rows(second.actions)[1]?.[0]).toBeGreaterThan(0);
    client.close();
  });

  test('[O3] the query is the open: limits, rate, policy and name are the session’s, and end with its socket', async () => {
    const client = await greeted(
      `${QUERY}&robot_id=arm-7&control_hz=20&limits.v=0.05&policy=null&environment_type=lab`,
    );
    const [session] = [...server.gateway.sessions];
    expect(session?.profile).toMatchObject({
      robotId: 'arm-7',
      controlHz: 20,
      pacing: 'lockstep',
      client: { name: 'openpi' },
    });
    expect(session?.profile.limits.cartesian.v).toMatchObject({ value: 0.05, origin: 'session' });
    client.close();
    await client.closed();
    await expect.poll(() => server.gateway.sessions.size).toBe(0);
    const again = await greeted(`${QUERY}&robot_id=arm-7`);
    again.close();
  });

  test.each([
    ['limit.v=0.05', 'limit.v'],
    ['robot_type=franka_panda&camera.mian=images/main', 'camera.mian'],
    ['robot_type=franka_panda&workspace=1,2,3', 'workspace'],
    ['robot_type=franka_panda&workspace=0.5,0.5,0.5,0,0,0', 'workspace'],
    ['robot_type=franka_panda&control_hz=fast', 'control_hz'],
    ['robot_type=franka_panda&limits.v=-1', 'limits.v'],
    ['robot_type=franka_panda&dialect=klingon', 'dialect'],
    ['robot_type=franka_panda&robot_id=a%20b', 'robot_id'],
    ['policy=unknown', 'robot_type'],
  ])('[O3] a query that cannot be followed (%s) is refused before the upgrade, by its field', async (query, field) => {
    const refused = await connect(query).then(
      () => 'taken',
      (error: Error) => error.message,
    );
    expect(refused).toMatch(/^HTTP 422 /);
    expect(JSON.parse(refused.slice(9))).toMatchObject({
      error: 'validation_failed',
      field: expect.stringContaining(field),
    });
  });

  test.each([
    [{}, 401],
    [{ Authorization: `Api-Key ${KEY}0` }, 401],
    [{ Authorization: `Bearer ${KEY}` }, null],
    [{ Authorization: `Api-Key ${KEY}` }, null],
  ])('[O3] the key comes as openpi’s client sends it, or as a bearer: %j', async (headers, status) => {
    const result = await connect(QUERY, headers as Record<string, string>).then(
      (client) => {
        client.close();
        return null;
      },
      (error: Error) => Number(error.message.slice(5, 8)),
    );
    expect(result).toBe(status);
  });

  test('[O3] what a gate refuses is answered before the upgrade, where a client can read why', async () => {
    const first = await greeted(`${QUERY}&robot_id=arm-7`);
    const refused = (query: string, headers?: Record<string, string>) =>
      connect(query, headers).then(
        () => 'taken',
        (error: Error) => error.message,
      );
    expect(await refused(`${QUERY}&robot_id=arm-7`)).toMatch(/^HTTP 409 .*robot_busy/);
    expect(await refused('robot_type=no_such_arm')).toMatch(/^HTTP 422 .*unknown_robot.*nearest/);
    expect(await refused(`${QUERY}&policy=none`)).toMatch(/^HTTP 422 .*unknown_model/);
    expect(await refused(`${QUERY}&execute=9`)).toMatch(/^HTTP 422 .*execute/);
    expect(await refused(`${QUERY}&limits.mode=full`)).toMatch(/^HTTP 403 .*full_speed/);
    expect(await refused(QUERY, { Authorization: `Api-Key ${ADMIN_KEY}` })).toMatch(/^HTTP 403 .*stream/);
    first.close();
  });

  test('[O8] what is refused only once there is a socket is a text frame, and the socket ends with 1011', async () => {
    for (const [hash, row] of server.keys) server.keys.set(hash, { ...row, limits: { sessions: 1 } });
    const first = await greeted();
    const second = await connect();
    expect(await second.text()).toMatch(/^session_limit: 1 sessions of this customer are open/);
    expect(await second.closed()).toMatchObject({ code: 1011 });
    first.close();
  });

  test('[O8] a frame over its customer’s rate is not dropped in silence: nobody waits for a reply that never comes', async () => {
    for (const [hash, row] of server.keys) server.keys.set(hash, { ...row, limits: { frames_per_second: 1 } });
    const client = await greeted();
    let said = '';
    for (let i = 0; i < 50 && said === ''; i++) {
      client.send(openpiObservation());
      const frame = await client.next();
      if (typeof frame === 'object' && frame !== null && 'text' in frame) said = String(frame.text);
    }
    expect(said).toMatch(/^rate_limited: /);
    expect(await client.closed()).toMatchObject({ code: 1011 });
  });

  test('[O8] two requests in flight: replies name no request, so the second ends the connection', async () => {
    gate.close();
    const client = await greeted();
    client.send(openpiObservation());
    client.send(openpiObservation());
    expect(await client.text()).toMatch(/^bad_message: one observation at a time/);
    expect(await client.closed()).toMatchObject({ code: 1011 });
    await expect.poll(() => server.gateway.sessions.size).toBe(0);
    gate.open();
  });

  const wrong: [string, Parameters<typeof encodeOpenpi>[0] | string, RegExp][] = [
    ['a text frame', 'hello', /bad_message: text frames/],
    ['no map', [1, 2], /bad_message: an observation is a map/],
    ['an empty map', {}, /images\.main: no `main`; there is no picture/],
    [
      'NaN in the state',
      openpiObservation({ state: float64Array([7], [Number.NaN, 0, 0.2, 0, 0, 0, 1]) }),
      /state: every entry must be finite/,
    ],
    ['a short state', openpiObservation({ state: float64Array([3], [1, 2, 3]) }), /state: must have 7 entries, has 3/],
    ['a state of texts', openpiObservation({ state: 'here' }), /state: `state` must be an array of numbers/],
    ['no state', { images: { main: PICTURE }, prompt: 'pick up the red cube' }, /state: no `state`/],
    ['no prompt', { images: { main: PICTURE }, state: float64Array([7], REST) }, /prompt: the observation has none/],
    ['a prompt that is no text', openpiObservation({ prompt: 7 }), /prompt: must be a text/],
    ['a prompt that a rule refuses', openpiObservation({ prompt: 'hit the person on the head' }), /instruction: /],
    [
      'two unknown cameras',
      openpiObservation({ images: { a: PICTURE, b: PICTURE } }),
      /no `main`; there are images\/a, images\/b/,
    ],
    [
      'a grey picture',
      openpiObservation({ images: { main: uint8Array([96, 96], new Uint8Array(96 * 96)) } }),
      /uint8 array of shape/,
    ],
    [
      'a picture of floats',
      openpiObservation({ images: { main: float64Array([64, 64, 3], new Float64Array(64 * 64 * 3)) } }),
      /uint8 array of shape/,
    ],
    [
      'a tiny picture',
      openpiObservation({ images: { main: uint8Array([2, 2, 3], new Uint8Array(12)) } }),
      /outside 64-2048/,
    ],
    ['another endpoint', openpiObservation({ endpoint: 'explode' }), /`endpoint` is/],
  ];
  test.each(wrong)(
    '[O8] %s ends the connection with a text that says why, and moves nothing',
    async (_, request, why) => {
      const client = await greeted();
      if (typeof request === 'string') client.socket.send(request);
      else client.send(request);
      expect(await client.text()).toMatch(why);
      expect(await client.closed()).toMatchObject({ code: 1011 });
      expect(gate.ran).toEqual([]);
      await expect.poll(() => server.gateway.sessions.size).toBe(0);
    },
  );

  test('[O5] pictures come channels first or last, keys flat or nested, states in pieces', async () => {
    const seen: string[] = [];
    const inner = gate.run;
    const models = await scriptedModels({
      run: (slot, inputs, deadline) => {
        for (const { images, state } of inputs) {
          const { main } = images;
          if (main?.kind === 'rgb8')
            seen.push(`${main.height}x${main.width} ${main.data.subarray(0, 4).join(',')} ${state.join(' ')}`);
        }
        return inner(slot, inputs, deadline);
      },
    });
    await server.stop();
    server = await startTestGateway({ models });
    const last = new Uint8Array(64 * 80 * 3).map((_, i) => i % 251);
    const first = new Uint8Array(last.length);
    for (let i = 0; i < 64 * 80; i++) for (let c = 0; c < 3; c++) first[c * 64 * 80 + i] = last[i * 3 + c] as number;
    const client = await greeted();
    const prompt = 'pick up the red cube';
    const state = float64Array([7], REST);
    await client.infer({ images: { main: uint8Array([64, 80, 3], last) }, state, prompt });
    await client.infer({ images: { main: uint8Array([3, 64, 80], first) }, state, prompt });
    await client.infer({ 'observation/image': uint8Array([64, 80, 3], last), 'observation/state': [...REST], prompt });
    const halves = {
      'observation/joint_position': float64Array([6], REST.slice(0, 6)),
      'observation/gripper_position': 1,
    };
    await client.infer({ observation: { main: uint8Array([64, 80, 3], last) }, ...halves, prompt });
    client.close();
    const named = await greeted(
      `${QUERY}&camera.main=observation/wrist_image_left&state=xyz,rpy,grip&prompt=push%20the%20cube`,
    );
    await named.infer({
      'observation/wrist_image_left': uint8Array([64, 80, 3], last),
      'observation/exterior_image_1_left': PICTURE,
      xyz: [0, 0, 0.2],
      rpy: [0, 0, 0],
      grip: 1,
    });
    expect(new Set(seen)).toEqual(new Set(['64x80 0,1,2,3 0 0 0.2 0 0 0 1']));
    expect(seen).toHaveLength(5);
    expect(gate.ran.at(-1)).toBe('push the cube');
    named.close();
  });

  test('[O4] its observations run in one batch with those of native sessions', async () => {
    const sizes: number[] = [];
    const inner = gate.run;
    let release = (): void => {};
    const models = await scriptedModels({
      maxBatch: 8,
      run: async (slot, inputs, deadline) => {
        sizes.push(inputs.length);
        if (sizes.length === 1) await new Promise<void>((resolve) => (release = resolve));
        return inner(slot, inputs, deadline);
      },
    });
    await server.stop();
    server = await startTestGateway({ models });
    const [native, other, openpi] = await Promise.all([
      server.robot({ pacing: 'lockstep' }),
      server.robot({ pacing: 'lockstep' }),
      greeted(),
    ]);
    // The only slot is taken: what comes now waits for the next batch.
    native.send(observation(0));
    await expect.poll(() => sizes).toEqual([1]);
    other.send(observation(0));
    openpi.send(openpiObservation());
    await expect
      .poll(() => [...server.gateway.sessions].filter(({ inference }) => inference.waiting > 0).length)
      .toBe(2);
    release();
    await other.next('chunk');
    expect(rows(((await openpi.next()) as { actions: never }).actions)).toHaveLength(8);
    expect(sizes).toEqual([1, 2]);
    for (const client of [native, other]) client.terminate();
    openpi.close();
  });

  test('[O4] each inference is journaled with its session as any other', async () => {
    const client = await greeted(`${QUERY}&robot_id=arm-7`);
    await client.infer(openpiObservation());
    client.close();
    await expect.poll(() => server.gateway.sessions.size).toBe(0);
    const records = await server.journaled();
    const kinds = records.map((record) => (record.kind === 'session' ? `session ${record.event}` : record.kind));
    expect(kinds).toEqual(expect.arrayContaining(['session open', 'inference', 'ticks', 'session close']));
    const inference = records.find((record) => record.kind === 'inference');
    expect(inference).toMatchObject({ robot_id: 'arm-7', status: 'ok', instruction: 'pick up the red cube' });
  });

  test('[O10] RoboArena’s dialect: its metadata, bare arrays, `endpoint`, a reset that is answered as text, episodes by name', async () => {
    const client = await connect(`${QUERY}&dialect=roboarena&camera.main=observation/exterior_image_0_left`);
    expect(await client.metadata()).toEqual({
      image_resolution: [96, 96],
      needs_wrist_camera: false,
      n_external_cameras: 1,
      needs_stereo_camera: false,
      needs_session_id: false,
      action_space: 'ee_delta',
    });
    const request = {
      'observation/exterior_image_0_left': PICTURE,
      state: float64Array([7], REST),
      prompt: 'pick up the red cube',
    };
    client.send({ ...request, endpoint: 'infer', session_id: 'a' });
    const actions = await client.next();
    expect(isNdArray(actions) && actions.shape).toEqual([8, 7]);
    const [session] = [...server.gateway.sessions];
    expect(session?.episode).toBe(0);
    client.send({ endpoint: 'reset', session_id: 'a' });
    expect(await client.text()).toBe('reset successful');
    expect(session?.episode).toBe(1);
    client.send({ ...request, endpoint: 'infer', session_id: 'a' });
    await client.next();
    expect(session?.episode).toBe(1);
    client.send({ ...request, endpoint: 'infer', session_id: 'b' });
    await client.next();
    expect(session?.episode).toBe(2);
    client.close();
  });

  test('[O11] a gateway that stops answers what waits with a hold and goes away with 1001', async () => {
    gate.close();
    const client = await greeted();
    client.send(openpiObservation());
    await expect.poll(() => gate.ran.length).toBe(1);
    const stopped = server.gateway.drain();
    const reply = (await client.next()) as { actions: never; hold: string };
    expect(reply.hold).toBe('draining');
    expect(noMotion(rows(reply.actions))).toBe(true);
    expect(await client.closed()).toMatchObject({ code: 1001 });
    gate.open();
    await stopped;
  });

  test('[O11] a key that is revoked ends its connections', async () => {
    const client = await greeted();
    for (const [hash, row] of server.keys) server.keys.set(hash, { ...row, revoked_at: new Date() });
    expect(await client.text()).toMatch(/^key_revoked/);
    expect(await client.closed()).toMatchObject({ code: 1011 });
  });

  test.each([
    ['a session_id of millions of bytes', { session_id: new Uint8Array(3_500_000) }, 'session_id'],
    ['a session_id of a thousand characters', { session_id: 'a'.repeat(1_000) }, 'session_id'],
    ['a state of millions of numbers', { state: uint8Array([3_500_000], new Uint8Array(3_500_000)) }, 'state'],
    [
      'a prompt of a million characters',
      { prompt: { dtype: '<U875000', shape: [], data: new Uint8Array(3_500_000) } },
      'prompt',
    ],
    // Read in full, the first takes seconds in which no robot is paced, and the third all memory there is.
  ])('[O8] %s is refused before it is read', async (_, more, field) => {
    const client = await greeted(`${QUERY}&state=${Array(16).fill('state').join(',')}`);
    client.send(openpiObservation(more));
    expect(await client.text()).toMatch(new RegExp(`^validation_failed: ${field}: .*(must be|more than)`));
    client.close();
  });

  test('[O8] noise and broken messages end one connection each, and the next client is served', async () => {
    const whole = encodeOpenpi(
      openpiObservation({ images: { main: uint8Array([64, 64, 3], new Uint8Array(64 * 64 * 3)) } }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
            // The small part of it, where keys, types and shapes are.
            const bytes = whole.slice();
            bytes[at < 12_300 ? at % 90 : at] = byte;
            return bytes;
          }),
          fc.nat(whole.length - 1).map((length) => whole.slice(0, length)),
        ),
        async (bytes) => {
          const client = await greeted();
          client.socket.send(bytes);
          const frame = await client.next();
          if (typeof frame === 'object' && frame !== null && 'text' in frame) {
            expect(frame.text).toMatch(/^(bad_message|validation_failed): /);
            expect(await client.closed()).toMatchObject({ code: 1011 });
          } else client.close();
        },
      ),
      { numRuns: 60 },
    );
    await expect.poll(() => server.gateway.sessions.size).toBe(0);
    await (await greeted()).infer(openpiObservation());
  });
});

describe('a hold', () => {
  test.each(['', '&execute=4'])(
    '[O7] of an e-stop is a chunk that stands still, until somebody clears it (query %s)',
    async (more) => {
      server = await startTestGateway({ models: await scriptedModels({ run: moving(0.02) }) });
      const client = await greeted(`${QUERY}&robot_id=arm-7${more}`);
      const moved = rows((await client.infer(openpiObservation())).actions);
      expect(noMotion(moved)).toBe(false);
      const session = server.gateway.sessions.ofRobot('01900000-0000-7000-8000-000000000001', 'arm-7');
      session?.handle({ type: 'estop' }, performance.now());
      for (let i = 0; i < 3; i++) {
        const held = await client.infer(openpiObservation());
        expect(held.hold).toBe('estop');
        const actions = rows(held.actions);
        expect(actions).toHaveLength(8);
        expect(noMotion(actions)).toBe(true);
        expect(actions.every((row) => row[6] === 1)).toBe(true);
      }
      const cleared = await fetch(`${server.http}/v1/admin/robots/arm-7/estop-clear`, {
        method: 'POST',
        body: '{"reason":"cell checked"}',
        headers: { Authorization: `Bearer ${ADMIN_KEY}` },
      });
      expect(cleared.status).toBe(200);
      const again = await client.infer(openpiObservation());
      expect(again.hold).toBeUndefined();
      expect(noMotion(rows(again.actions))).toBe(false);
      client.close();
      await server.stop();
    },
  );

  test('[O7] of a latch from before the connection: told in the metadata, and answered with standing still', async () => {
    server = await startTestGateway({ models: await scriptedModels({ run: moving(0.02) }) });
    const native = await server.robot({ robot_id: 'arm-7' });
    native.send({ type: 'estop' });
    native.send({ type: 'close' });
    await native.next('closed');
    const client = await connect(`${QUERY}&robot_id=arm-7`);
    expect(await client.metadata()).toMatchObject({ estopped: true });
    expect(await client.infer(openpiObservation())).toMatchObject({ hold: 'estop' });
    client.close();
    await server.stop();
  });

  test.each([
    [
      'model_error',
      async () => ({
        outputs: [{ ok: false, code: 'model_error', reason: 'no memory' } as const],
        decodeMs: 0,
        inferMs: 0,
      }),
    ],
    [
      'safety',
      async () => ({
        outputs: [{ ok: true, actions: new Float32Array(56).fill(Number.NaN) } as const],
        decodeMs: 0,
        inferMs: 0,
      }),
    ],
  ] as const)('[O7] %s: the client is told to stand still, and asks again', async (reason, run) => {
    server = await startTestGateway({ models: await scriptedModels({ run }) });
    const client = await greeted();
    for (let i = 0; i < 7; i++) {
      const reply = await client.infer(openpiObservation());
      expect(reply.hold).toBe(reason);
      expect(noMotion(rows(reply.actions))).toBe(true);
    }
    client.close();
    await server.stop();
  });

  test('[O7] in a space of joint positions is where the joints were measured, in one of velocities zero', async () => {
    for (const [space, still] of [
      ['joint_position', [0.1, -0.6, 0, -2.2, 0, 1.6, 0.8]],
      ['joint_velocity', [0, 0, 0, 0, 0, 0, 0]],
      ['joint_delta', [0, 0, 0, 0, 0, 0, 0]],
    ] as const) {
      const action = { frame: 'base', rotation: 'euler_xyz', gripper: 'absolute_0_closed_1_open', pose: null } as const;
      const run = async () => ({
        outputs: [{ ok: false, code: 'model_error', reason: 'no' } as const],
        decodeMs: 0,
        inferMs: 0,
      });
      server = await startTestGateway({
        models: await scriptedModels({ run, description: { action_space: space, action } }),
      });
      const client = await greeted('robot_type=franka_panda');
      const state = float64Array([7], [0.1, -0.6, 0, -2.2, 0, 1.6, 0.8]);
      const reply = await client.infer(openpiObservation({ state }));
      expect(reply.hold).toBe('model_error');
      for (const row of rows(reply.actions)) expect(row).toEqual(still.map(Math.fround));
      client.close();
      await server.stop();
    }
  });
});

describe('beside others', () => {
  test('[O3] two customers may call their robots the same; an e-stop is one customer’s', async () => {
    server = await startTestGateway({ models: await scriptedModels({ run: moving(0.02) }) });
    const query = `${QUERY}&robot_id=arm-7`;
    const mine = await greeted(query);
    const theirs = await connect(query, { Authorization: `Api-Key ${OTHER_KEY}` });
    await theirs.metadata();
    for (const { profile } of server.gateway.sessions) expect(profile.robotId).toBe('arm-7');
    const [session] = [...server.gateway.sessions];
    session?.handle({ type: 'estop' }, performance.now());
    expect((await mine.infer(openpiObservation())).hold).toBe('estop');
    expect((await theirs.infer(openpiObservation())).hold).toBeUndefined();
    mine.close();
    theirs.close();
    await server.stop();
  });

  test('[O8] while the journal is full nothing is answered, and nobody new is let in; shipped, it goes on', async () => {
    const models = await scriptedModels({ run: moving(0.02) });
    server = await startTestGateway({ models, journalBudgetBytes: 60_000 });
    const client = await greeted();
    let waiting: Promise<unknown> | null = null;
    for (let i = 0; i < 1_000 && waiting === null; i++) {
      const reply = client.infer(openpiObservation());
      const first = await Promise.race([reply, new Promise((resolve) => setTimeout(() => resolve('silent'), 1_000))]);
      if (first === 'silent') waiting = reply;
    }
    expect(waiting).not.toBeNull();
    await expect(connect()).rejects.toThrow('HTTP 503');
    let position = { segment: 0, offset: 0 };
    for await (const { next } of readJournal({ dir: server.dir })) position = next;
    await saveCheckpoint(server.dir, { position, state: '{}' });
    expect(noMotion(rows(((await waiting) as { actions: never }).actions))).toBe(false);
    client.close();
    await server.stop();
  });
});

describe('the port of its own', () => {
  test('[O9] speaks the wire at /, with the key that somebody named for those that bring none', async () => {
    const models = await scriptedModels({ run: moving(0.02) });
    const settings = { openpi_port: 0, openpi_defaults: `${QUERY}&execute=4` };
    server = await startTestGateway({ models, settings, openpiKey: KEY });
    const port = server.gateway.openpiPort;
    const healthz = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([healthz.status, await healthz.text()]).toEqual([200, 'OK\n']);
    expect((await fetch(`http://127.0.0.1:${port}/v1/sessions`)).status).toBe(404);
    const client = await OpenpiTestClient.connect(`ws://127.0.0.1:${port}/`, {});
    expect(await client.metadata()).toMatchObject({ robot_type: 'franka_panda', execute: 4 });
    await client.infer(openpiObservation());
    client.close();
    await expect(connect(QUERY, {})).rejects.toThrow('HTTP 401');
    const page = { Origin: 'https://example.com' };
    await expect(OpenpiTestClient.connect(`ws://127.0.0.1:${port}/`, page)).rejects.toThrow('HTTP 401');
    const known = await OpenpiTestClient.connect(`ws://127.0.0.1:${port}/`, {
      ...page,
      Authorization: `Api-Key ${KEY}`,
    });
    known.close();
    await server.stop();
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  test('[O9] without such a key refuses whoever brings none', async () => {
    server = await startTestGateway({ settings: { openpi_port: 0, openpi_defaults: QUERY } });
    const url = `ws://127.0.0.1:${server.gateway.openpiPort}/`;
    await expect(OpenpiTestClient.connect(url, {})).rejects.toThrow('HTTP 401');
    const client = await OpenpiTestClient.connect(url);
    await client.metadata();
    client.close();
    await server.stop();
  });
});
