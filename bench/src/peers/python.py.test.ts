import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WORKLOADS } from './workloads.js';

const built = (file: string): string => new URL(`../../dist/peers/${file}`, import.meta.url).href;
const load = async <T>(file: string): Promise<T> => (await import(built(file))) as T;

test('the Python server gives the actions that ws and Sinew give for the same observation', async () => {
  const { findPython } = await load<typeof import('./python.js')>('python.js');
  const { ClientProcess } = await load<typeof import('./client-process.js')>('client-process.js');
  const { openPeers } = await load<typeof import('./measure-peers.js')>('measure-peers.js');
  const { collectAnswers, requireSameAnswers } = await load<typeof import('./answers.js')>('answers.js');
  const { stopPeers } = await load<typeof import('./servers.js')>('servers.js');
  const cache = join(tmpdir(), 'sinew-bench-cache');
  // `.ci/services` makes one; by hand it is the bench's own.
  const python = await findPython(process.env.SINEW_TEST_PEER_PYTHON ?? null, cache);
  if (!python.ok) throw new Error(python.reason);
  const client = await ClientProcess.start(null);
  try {
    for (const workload of WORKLOADS.filter(({ id }) => id === 'tabletop' || id === 'wide')) {
      const peers = await openPeers(
        {
          workloads: [workload],
          servers: ['python', 'ws', 'sinew', 'sinew_native'],
          rounds: 1,
          ms: 0,
          sweepMs: 0,
          warmupMs: 0,
          settleMs: 0,
          clients: 1,
          sweep: [],
          threads: 1,
          pinning: null,
          python: python.path,
          profile: null,
          cache,
        },
        workload,
      );
      try {
        expect(peers[0]?.process.line.versions).toMatchObject({ 'websockets C speedups': 'on' });
        const answers = await collectAnswers(client, workload, peers);
        expect(answers).toHaveLength(4);
        requireSameAnswers(answers);
      } finally {
        await stopPeers(peers);
      }
    }
  } finally {
    client.stop();
  }
}, 600_000);
