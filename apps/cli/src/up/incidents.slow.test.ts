import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readRunFile } from '@sinew/config';
import { connect, type Robot, type RobotAction } from '@sinew/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SINEW = fileURLToPath(new URL('../../bin/sinew.js', import.meta.url));
const BLACK = { data: new Uint8Array(96 * 96 * 3), width: 96, height: 96 };
const NEAR_THE_WALL = [0.39, 0, 0.14, 0, 0, 0, 1];

interface Ready {
  readonly http: string;
  readonly ws: string;
  readonly api_key: string;
}

interface Row {
  readonly incident_id: string;
  readonly session_id: string | null;
  readonly robot_id: string;
  readonly severity: string;
  readonly violation_type: string;
  readonly closed_at: string | null;
  readonly log_id: number | null;
  readonly proposed_action: readonly (number | null)[] | null;
  readonly sent_action: readonly number[] | null;
}

describe('incidents and e-stops of a running instance', { timeout: 400_000 }, () => {
  let dir: string;
  const started: ChildProcess[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-incidents-'));
  });
  afterEach(async () => {
    for (const child of started.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  });

  function run(...args: string[]): ChildProcess {
    const child = spawn(process.execPath, [SINEW, ...args, '--data-dir', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    return child;
  }

  async function sinew(...args: string[]): Promise<{ code: number; out: string }> {
    const child = run(...args);
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (part) => {
        out += part;
      });
    const [code] = (await once(child, 'exit')) as [number];
    return { code, out };
  }

  async function up(...args: string[]): Promise<Ready> {
    const child = run('up', '--no-sim', '--json', '--port', '0', ...args);
    child.stderr?.resume();
    const [line] = (await once(
      createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }),
      'line',
    )) as [string];
    return JSON.parse(line) as Ready;
  }

  /** A policy that is no number, then absurd, then leads out of the box. */
  function garbage(): string {
    const folder = join(dir, 'garbage');
    mkdirSync(folder);
    const chunk = (x: number | string) => JSON.stringify(Array.from({ length: 8 }, () => [x, 0, 0, 0, 0, 0, 1]));
    const actions = `${chunk('NaN')}\n${chunk(1e30)}\n${chunk(0.02)}\n`;
    writeFileSync(join(folder, 'actions.jsonl'), actions);
    const manifest = {
      backend: 'script',
      id: 'garbage',
      version: '1',
      license: 'MIT',
      action_space: 'ee_delta',
      action_dim: 7,
      chunk_size: 8,
      control_hz: 10,
      execute: 4,
      smoothing: 'none',
      action: {
        frame: 'base',
        rotation: 'euler_xyz',
        gripper: 'absolute_0_closed_1_open',
        pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
      },
      inputs: {
        cameras: [],
        state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
      },
      script: { actions: 'actions.jsonl', loop: true, latency_ms: 0 },
      embodiments: ['*'],
      sha256: { 'actions.jsonl': createHash('sha256').update(actions).digest('hex') },
    };
    writeFileSync(join(folder, 'policy.json'), JSON.stringify(manifest));
    return folder;
  }

  const open = ({ ws, api_key }: Ready, robotId: string): Promise<Robot> =>
    connect({
      url: ws,
      apiKey: api_key,
      robotType: 'franka_panda',
      robotId,
      instruction: 'pick up the red cube',
      environment: { environment_type: 'lab', workspace: { min: [-0.4, -0.4, 0], max: [0.4, 0.4, 0.5] } },
    });

  /** Streams until an answer of the server is the one. */
  async function until(robot: Robot, state: readonly number[], found: (action: RobotAction) => boolean) {
    const look = () =>
      robot.observe({ images: Object.fromEntries(robot.model.inputs.cameras.map(({ name }) => [name, BLACK])), state });
    const camera = setInterval(look, 50);
    look();
    try {
      for await (const action of robot.actions()) if (!action.local && found(action)) return action;
    } finally {
      clearInterval(camera);
    }
    throw new Error('the session ended');
  }

  it('[S11] an e-stop outlives kill -9 and holds the next session of its robot, until an operator releases it', async () => {
    const ready = await up('--policies', 'null');
    const first = await open(ready, 'arm-1');
    await until(first, NEAR_THE_WALL, ({ kind }) => kind === 'action');
    first.estop();
    await until(first, NEAR_THE_WALL, ({ reason }) => reason === 'estop');
    await first.close();
    process.kill(readRunFile(dir)?.pids.gateway as number, 'SIGKILL');

    const second = await connectAgain(ready, 'arm-1');
    expect(second.opened.estopped).toBe(true);
    await expect(open(ready, 'arm-1')).rejects.toMatchObject({ code: 'robot_busy' });
    await until(second, NEAR_THE_WALL, ({ reason }) => reason === 'estop');

    const refused = await sinew('estop-clear', 'arm-1', '--reason', 'looked at it');
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('--scopes admin');
    const key = (await sinew('keys', 'create', 'ops', '--scopes', 'admin', '--json')).out;
    const admin = (JSON.parse(key) as { key: string }).key;
    expect(await sinew('estop-clear', 'arm-1', '--key', admin, '--reason', 'looked at it')).toMatchObject({ code: 0 });
    await until(second, NEAR_THE_WALL, ({ kind }) => kind === 'action');
    await second.close();
    expect((await sinew('estop-clear', 'arm-1', '--key', admin, '--reason', 'again')).code).toBe(1);
  });

  it('a policy that returns garbage: nothing crashes, and each incident is a row with what was proposed and sent', async () => {
    const ready = await up('--policies', garbage());
    const robot = await open(ready, 'arm-1');
    await until(robot, NEAR_THE_WALL, ({ reason }) => reason === 'safety');
    await until(robot, NEAR_THE_WALL, ({ kind }) => kind === 'action');
    await robot.close();

    const { code, out } = await sinew('incidents', '--json');
    expect(code, out).toBe(0);
    const [row, ...more] = JSON.parse(out) as Row[];
    expect(more).toEqual([]);
    expect(row).toMatchObject({ robot_id: 'arm-1', severity: 'high', closed_at: expect.any(String) });
    expect(row?.session_id).toEqual(expect.any(String));
    expect(row?.proposed_action).toHaveLength(7);
    expect(row?.sent_action?.every((value) => Number.isFinite(value))).toBe(true);
    const logs = JSON.parse((await sinew('logs', '--json')).out) as { log_id: number; status: string }[];
    expect(logs.find(({ log_id }) => log_id === row?.log_id)?.status).toBe('safety_rejected');
    expect((await sinew('incidents')).out).toContain('not_finite');
  });

  it('a gateway that is killed has told of the incident that was open; it ends with its last violation', async () => {
    const ready = await up('--policies', garbage());
    const robot = await open(ready, 'arm-1');
    await until(robot, NEAR_THE_WALL, ({ reason }) => reason === 'safety');
    process.kill(readRunFile(dir)?.pids.gateway as number, 'SIGKILL');
    await robot.close();
    await expect
      .poll(
        async () => {
          const rows = JSON.parse((await sinew('incidents', '--json')).out) as Row[];
          return rows.map(({ closed_at }) => closed_at !== null);
        },
        { timeout: 60_000, interval: 500 },
      )
      .toEqual([true]);
    const before = JSON.parse((await sinew('incidents', '--json')).out) as Row[];
    for (const child of started) child.kill('SIGTERM');
    await Promise.all(started.filter((child) => child.exitCode === null).map((child) => once(child, 'exit')));
    expect((await sinew('migrate', '--rebuild')).code).toBe(0);
    expect(JSON.parse((await sinew('incidents', '--json')).out)).toEqual(before);
  });

  /** The gateway comes back by itself; until then nobody answers. */
  async function connectAgain(ready: Ready, robotId: string): Promise<Robot> {
    for (;;) {
      const robot = await open(ready, robotId).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'robot_busy') throw error;
        return null;
      });
      if (robot !== null) return robot;
    }
  }
});
