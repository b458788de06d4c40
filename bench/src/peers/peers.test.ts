import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClientProcess } from './client-process.js';
import type { PeersPlan } from './measure-peers.js';
import type { ServerId } from './servers.js';
import { WORKLOADS, type Workload } from './workloads.js';

// Servers and client run in processes of their own, from what was built.
const built = (file: string): string => new URL(`../../dist/peers/${file}`, import.meta.url).href;
const load = async <T>(file: string): Promise<T> => (await import(built(file))) as T;

const plan = (servers: readonly ServerId[]): PeersPlan => ({
  workloads: [],
  servers,
  rounds: 1,
  ms: 100,
  sweepMs: 50,
  warmupMs: 20,
  settleMs: 0,
  clients: 4,
  sweep: [2],
  threads: 1,
  pinning: null,
  python: null,
  profile: null,
  cache: join(tmpdir(), 'sinew-bench-cache'),
});
const workload = (id: string): Workload => {
  const found = WORKLOADS.find((entry) => entry.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};

let client: ClientProcess;
beforeAll(async () => {
  const { ClientProcess: Client } = await load<typeof import('./client-process.js')>('client-process.js');
  client = await Client.start(null);
});
afterAll(() => client.stop());

test('ws and Sinew over both wires give the same actions for the same observation', async () => {
  const { openPeers } = await load<typeof import('./measure-peers.js')>('measure-peers.js');
  const { collectAnswers, requireSameAnswers } = await load<typeof import('./answers.js')>('answers.js');
  const { stopPeers } = await load<typeof import('./servers.js')>('servers.js');
  const tabletop = workload('tabletop');
  const peers = await openPeers(plan(['ws', 'sinew', 'sinew_native']), tabletop);
  try {
    const answers = await collectAnswers(client, tabletop, peers);
    const [ws, openpi, native] = answers;
    expect(answers.map(({ shape }) => shape)).toEqual([
      [8, 7],
      [8, 7],
      [8, 7],
    ]);
    for (const [i, value] of (ws?.values ?? []).entries()) {
      expect(Math.abs((native?.values[i] ?? Number.NaN) - value)).toBeLessThan(1e-5);
      // Half a chunk is executed; nobody plays a braking tail on this wire, so that it lies within the rest.
      if (i < 28) expect(Math.abs((openpi?.values[i] ?? Number.NaN) - value)).toBeLessThan(1e-5);
    }
    requireSameAnswers(answers);
    const other = { ...answers[0], server: 'python', values: answers[0]?.values.map((value) => value + 1e-3) };
    expect(() => requireSameAnswers([...answers, other as never])).toThrow('Python');
  } finally {
    await stopPeers(peers);
  }
}, 60_000);

test('every server is measured alone, in rounds, by the number of clients, and at half of its capacity', async () => {
  const { measurePeers } = await load<typeof import('./measure-peers.js')>('measure-peers.js');
  const { peersFindings } = await load<typeof import('./peers-findings.js')>('peers-findings.js');
  const servers: readonly ServerId[] = ['echo', 'true_echo', 'ws', 'sinew'];
  const [result] = await measurePeers({ ...plan(servers), workloads: [workload('null-20')] });
  expect(result?.servers.map(({ server }) => server)).toEqual(servers);
  for (const { saturated, alone, halfMany, halfOne, sweep } of result?.servers ?? []) {
    for (const { answers } of [...saturated, ...alone, ...halfMany, ...halfOne]) expect(answers).toBeGreaterThan(0);
    expect(sweep.map(({ clients }) => clients)).toEqual([2]);
  }
  const { figures, series } = peersFindings(result === undefined ? [] : [result], 4);
  expect(figures.find(({ name }) => name === 'peers.null_20.sinew_over_echo.frames_per_s')?.goal).toEqual({
    op: '>=',
    value: 0.7,
  });
  expect(series).toHaveLength(3);
}, 60_000);
