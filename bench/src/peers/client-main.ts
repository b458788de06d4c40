import { decodeServerFrame } from '@sinew/protocol';
import { decodeOpenpi, isNdArray, numbersOf } from '@sinew/protocol/openpi';
import type { ClientRun, FromClient, ToClient } from './client-messages.js';
import { drive } from './drive.js';
import { PeerSocket } from './peer-socket.js';

// The client of every server of `peers`, a process of its own.

process.title = 'sinew bench client';
const say = (message: FromClient): void => {
  process.send?.(message);
};

/** One observation, and its chunk as it came. */
async function ask(run: ClientRun): Promise<Extract<FromClient, { kind: 'actions' }>> {
  let peer: PeerSocket | null = null;
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const answered = (_: PeerSocket, bytes: Buffer, start: number, end: number) =>
        resolve(Buffer.from(bytes.subarray(start, end)));
      PeerSocket.open(run, answered, (reason) => reject(new Error(reason))).then((opened) => {
        peer = opened;
        opened.ask(performance.now());
      }, reject);
    });
    return { kind: 'actions', ...(run.wire === 'native' ? nativeChunk(answer) : openpiActions(answer)) };
  } finally {
    (peer as PeerSocket | null)?.close();
  }
}

function nativeChunk(answer: Uint8Array): { shape: readonly number[]; values: number[] } {
  const decoded = decodeServerFrame(answer);
  if (!decoded.ok || decoded.message.type !== 'chunk') throw new Error('not a chunk');
  return { shape: decoded.message.shape, values: [...decoded.message.values] };
}

function openpiActions(answer: Uint8Array): { shape: readonly number[]; values: number[] } {
  const decoded = decodeOpenpi(answer);
  if (!decoded.ok) throw new Error(decoded.reason);
  const { actions } = decoded.value as Record<string, unknown>;
  if (!isNdArray(actions)) throw new Error('no actions');
  return { shape: actions.shape, values: [...numbersOf(actions)] };
}

process.on('message', (message: ToClient) => {
  const answer =
    message.kind === 'ask'
      ? ask(message.run)
      : drive(message.run).then((result): FromClient => ({ kind: 'result', result }));
  answer.then(say, (error: Error) => say({ kind: 'failed', reason: error.message }));
});
process.on('disconnect', () => process.exit());
say({ kind: 'ready' });
