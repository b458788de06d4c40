import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readRunFile } from '@sinew/config';
import { FLAG, type LimitsInForce } from '@sinew/control';
import { readJournal, type SessionRecord, type TicksRecord } from '@sinew/journal';
import { BUILT_IN_BUNDLES } from '@sinew/policy';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SINEW = fileURLToPath(new URL('../../bin/sinew.js', import.meta.url));

let dir: string;
let up: ChildProcess | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-scaled-'));
});
afterEach(() => {
  up?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

/** What a user does: copies the bundle and writes a scale into its manifest. The graph, and its hash, stay. */
function scaledBundle(scale: number): string {
  const bundle = join(dir, 'scaled');
  cpSync(join(BUILT_IN_BUNDLES, 'tabletop-v1'), bundle, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(bundle, 'policy.json'), 'utf8')) as Record<string, unknown>;
  const std = [...new Array<number>(6).fill(scale), 1];
  manifest.normalization = { state: 'graph', action: { kind: 'mean_std', mean: new Array<number>(7).fill(0), std } };
  writeFileSync(join(bundle, 'policy.json'), JSON.stringify({ ...manifest, id: 'scaled' }));
  return bundle;
}

async function start(policy: string): Promise<ChildProcess> {
  const argv = [
    SINEW,
    'up',
    '--json',
    '--no-sim',
    '--port',
    '0',
    '--data-dir',
    join(dir, 'data'),
    '--policies',
    policy,
  ];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"ready"')) break;
  return child;
}

async function json<T>(...argv: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [SINEW, ...argv, '--data-dir', join(dir, 'data'), '--json'],
    {
      maxBuffer: 2 ** 26,
    },
  );
  return JSON.parse(stdout) as T;
}

/** The largest share of each limit that any two or three successive ticks of a session used. */
async function usedShares(): Promise<{ ticks: number; shares: Record<string, number> }> {
  const limits = new Map<string, LimitsInForce>();
  const last = new Map<string, { n: number; v: number[][] }>();
  const shares: Record<string, number> = {};
  let ticks = 0;
  const use = (name: string, vector: number[], limit: number): void => {
    shares[name] = Math.max(shares[name] ?? 0, Math.hypot(...vector) / limit);
  };
  const check = ({ session_id, seq, sent, dim, flags }: TicksRecord): void => {
    const { cartesian, control_hz } = limits.get(session_id) as LimitsInForce;
    const values = new Float64Array(Uint8Array.from(sent).buffer);
    for (const [row, n] of seq.entries()) {
      ticks++;
      const step = [...values.subarray(row * dim, (row + 1) * dim)];
      expect(step.every(Number.isFinite)).toBe(true);
      expect(step[6]).toBeGreaterThanOrEqual(0);
      expect(step[6]).toBeLessThanOrEqual(1);
      const v = [step.slice(0, 3), step.slice(3, 6)].map((part) => part.map((x) => x * control_hz));
      const before = last.get(session_id);
      const from =
        before?.n === n - 1
          ? before.v
          : [
              [0, 0, 0],
              [0, 0, 0],
            ];
      const [linear, angular] = v.map((part, i) => part.map((x, d) => (x - (from[i]?.[d] ?? 0)) * control_hz));
      use('v', v[0] ?? [], cartesian.v.value);
      use('w', v[1] ?? [], cartesian.w.value);
      // Where the measured pose jumped at a wall, position outranks acceleration, and the tick says so.
      if (((flags[row] ?? 0) & FLAG.emergency) === 0) {
        use('a', linear ?? [], cartesian.a.value);
        use('dw', angular ?? [], cartesian.dw.value);
      }
      last.set(session_id, { n, v });
    }
  };
  for await (const { record } of readJournal({ dir: join(dir, 'data', 'journal') })) {
    if (record.kind === 'session') limits.set(record.session_id, (record as SessionRecord).limits as LimitsInForce);
    if (record.kind === 'ticks') check(record);
  }
  return { ticks, shares };
}

it.each([
  [10, 'refused: its steps lead far out of the workspace'],
  [3, 'slowed down'],
])(
  'the built-in policy with its actions ×%i is %s; nothing breaks, and incidents are recorded',
  async (scale) => {
    up = await start(scaledBundle(scale));
    const running = readRunFile(join(dir, 'data'));
    const sim = await json<{ episodes: number; actions: number; reconnects: number }>(
      'sim',
      '--robots',
      '2',
      '--episodes',
      '2',
    );
    expect(sim).toMatchObject({ episodes: 2, reconnects: 0 });

    const { shares, ticks } = await usedShares();
    expect(ticks).toBeGreaterThan(30);
    for (const [limit, share] of Object.entries(shares)) expect([limit, share <= 1 + 1e-9]).toEqual([limit, true]);
    // Three times too fast is held at the limit, not to a standstill.
    if (scale === 3) expect(shares.v).toBeGreaterThan(0.99);

    const incidents = await json<{ severity: string; violation_type: string }[]>('incidents');
    expect(incidents.length).toBeGreaterThan(0);
    const replay = await json<{ identical: boolean; sessions: unknown[] }>('replay');
    expect(replay.identical).toBe(true);
    expect(replay.sessions.length).toBeGreaterThan(0);

    // Nothing was restarted meanwhile, and it ends in order.
    expect(readRunFile(join(dir, 'data'))).toEqual(running);
    up.kill('SIGTERM');
    expect((await once(up, 'exit'))[0]).toBe(0);
    up = null;
  },
  180_000,
);
