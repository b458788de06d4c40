import type { Observation } from '@sinew/protocol';
import { hostEnvironment } from '@sinew/sdk';
import { describe, expect, it } from 'vitest';
import { instructionOf } from '../table/instructions.js';
import { createWorld } from '../table/scene.js';
import { EPISODE_TICKS } from '../table/world.js';
import { action, hold, opened, type Script, scriptedGateway } from '../testing/scripted-gateway.js';
import { runSim } from './run-sim.js';
import type { SimOptions } from './sim-options.js';

const RIGHT = [0.01, 0, 0, 0, 0, 0, 1];
const BRAKING = [0.02, 0, 0, 0, 0, 0, 0];

function simulate(script: Script, options: Partial<SimOptions> = {}) {
  const { openSocket, received } = scriptedGateway(script);
  const report = runSim({
    url: 'ws://gateway.invalid',
    apiKey: 'key',
    robots: 1,
    episodes: 2,
    seed: 70,
    environment: hostEnvironment(openSocket),
    ...options,
  });
  const observations = (): Observation[] => received.filter((m): m is Observation => m.type === 'observation');
  return { report, received, observations };
}

/** Answers every observation at once, so that an episode takes no longer than its pictures. */
function answering(values: readonly number[]): Script {
  let seq = 0;
  return (message, { send }) => {
    if (message.type === 'open') send(opened('a'));
    if (message.type === 'observation') send(action(seq++, message, values));
  };
}

describe('runSim', () => {
  it('plays its episodes through the SDK and counts what came', async () => {
    const { report, received, observations } = simulate(answering(RIGHT), { name: 'arm' });
    expect(await report).toMatchObject({
      robots: 1,
      episodes: 2,
      success_rate: 0,
      actions: 2 * EPISODE_TICKS,
      missed_ticks: 0,
      holds: {},
      clamped_rate: 0.5,
      superseded: 3,
      reconnects: 0,
    });
    expect(received[0]).toMatchObject({
      type: 'open',
      robot_type: 'franka_panda',
      robot_id: 'arm-1',
      stale_after_ms: 500,
      instruction: instructionOf(createWorld(70)),
    });
    const [first] = observations();
    expect(first?.state).toEqual(createWorld(70).tool);
    expect(first?.images.main).toMatchObject({ kind: 'encoded' });
    // one look before the first action and one after every action but the last
    expect(observations()).toHaveLength(2 * EPISODE_TICKS);
    expect(observations().map((o) => o.applied_seq)).toEqual([
      undefined,
      ...Array.from({ length: EPISODE_TICKS - 1 }, (_, i) => i),
      undefined,
      ...Array.from({ length: EPISODE_TICKS - 1 }, (_, i) => EPISODE_TICKS + i),
    ]);
  });

  it('asks for a policy, a horizon, a blend and a smoothing only where it was told to', async () => {
    const asked = { model: 'tabletop-rtc-v1', execute: 3, blend: 'rtc', smoothing: 'butterworth2' } as const;
    const told = simulate(answering(RIGHT), { ...asked, episodes: 1 });
    await told.report;
    expect(told.received[0]).toMatchObject(asked);
    const untold = simulate(answering(RIGHT), { episodes: 1 });
    await untold.report;
    for (const field of Object.keys(asked)) expect(untold.received[0]).not.toHaveProperty(field);
  });

  it('says how an episode ended, then what is to be done next, before it looks again', async () => {
    const { report, received } = simulate(answering(RIGHT));
    await report;
    // A client measures its clock whenever it is time for that.
    const said = received.filter(({ type }) => type !== 'ping');
    const at = said.findIndex(({ type }) => type === 'reset');
    expect(said.slice(at, at + 3)).toMatchObject([
      { type: 'reset', outcome: { success: false } },
      { type: 'instruction', instruction: instructionOf(createWorld(71)) },
      { type: 'observation' },
    ]);
  });

  it('lets nothing that was planned for one episode move the next', async () => {
    let seq = 0;
    let resets = 0;
    let last: Observation | null = null;
    const { report, observations } = simulate((message, { send }) => {
      if (message.type === 'open') send(opened('a'));
      if (message.type === 'reset') {
        resets += 1;
        // still on the wire: the tail of the plan before, and a braking hold that would close the gripper
        if (last !== null) send(action(seq++, last, RIGHT));
        send(hold(seq++, BRAKING));
      }
      if (message.type !== 'observation') return;
      last = message;
      if (resets === 1 && seq < EPISODE_TICKS + 6) send(hold(seq++, BRAKING));
      else send(action(seq++, message, RIGHT));
    });
    const { holds } = await report;
    const start = createWorld(71).tool;
    const second = observations().filter(({ seq: n }) => n >= EPISODE_TICKS);
    for (const { state } of second.slice(0, 4)) expect(state).toEqual(start);
    expect(second.at(-1)?.state).not.toEqual(start);
    expect(holds.starved).toBeGreaterThanOrEqual(4);
  });

  it('looks again when it has to open a new session, and goes on where it was', async () => {
    let seq = 0;
    const { report, received } = simulate(
      (message, { send, end, index }) => {
        if (message.type === 'open' && message.resume !== undefined) {
          send({ type: 'error', code: 'resume_failed', message: 'gone', fatal: true });
          end(4409);
        } else if (message.type === 'open') {
          seq = 0;
          send(opened(`session-${index}`));
        }
        if (message.type !== 'observation') return;
        if (index === 0 && seq === 10) end(1006);
        else send(action(seq++, message, RIGHT));
      },
      { episodes: 1 },
    );
    const { reconnects, episodes, actions } = await report;
    expect(reconnects).toBeGreaterThanOrEqual(1);
    expect(episodes).toBe(1);
    expect(actions).toBeGreaterThan(100);
    const opens = received.filter(({ type }) => type === 'open');
    expect(opens.at(-1)).toMatchObject({ instruction: instructionOf(createWorld(70)) });
    expect(opens.length).toBeGreaterThanOrEqual(2);
  });

  it('delays every frame to the server and keeps the time of the capture', async () => {
    const delayMs = 30;
    let opensAt = 0;
    const stop = new AbortController();
    const ages: number[] = [];
    const environment = hostEnvironment(() => {
      throw new Error('replaced below');
    });
    let seq = 0;
    const { openSocket } = scriptedGateway((message, { send }) => {
      if (message.type === 'open') {
        opensAt = environment.now() - started;
        expect(message).toMatchObject({ stale_after_ms: 530 });
        send(opened('a'));
      }
      if (message.type !== 'observation') return;
      ages.push(environment.now() - message.captured_at_ms);
      if (ages.length === 3) stop.abort();
      send(action(seq++, message, RIGHT));
    });
    const started = environment.now();
    const report = await runSim({
      url: 'ws://gateway.invalid',
      apiKey: 'key',
      robots: 1,
      episodes: 1,
      seed: 70,
      delayMs,
      signal: stop.signal,
      environment: { ...environment, openSocket },
    });
    expect(report.delay_ms).toBe(delayMs);
    expect(opensAt).toBeGreaterThanOrEqual(delayMs - 1);
    expect(ages.length).toBeGreaterThanOrEqual(3);
    for (const age of ages) expect(age).toBeGreaterThanOrEqual(delayMs - 1);
  });

  it('fails with what the server said', async () => {
    const { report } = simulate((message, { send, end }) => {
      if (message.type !== 'open') return;
      send({ type: 'error', code: 'unknown_robot', message: 'no such robot', fatal: true });
      end(4422);
    });
    await expect(report).rejects.toMatchObject({ code: 'unknown_robot' });
  });

  it('stops when it is told to, endless or not', async () => {
    const stop = new AbortController();
    const { report } = simulate(answering(RIGHT), {
      episodes: Number.POSITIVE_INFINITY,
      robots: 2,
      signal: stop.signal,
      onEvent: () => stop.abort(),
    });
    expect(await report).toMatchObject({ robots: 2 });
  });
});
