import type { WebSocket } from 'uWebSockets.js';
import { expect, test } from 'vitest';
import { OpenpiConnection, type OpenpiConnectionDeps } from './connection.js';
import { OpenpiSocket } from './openpi-socket.js';
import type { OpenpiParameters } from './parameters.js';

/** Without a session: what is looked at here is the socket's life alone. */
function connection() {
  const clock = { ms: 0, now: () => clock.ms };
  const ended: number[] = [];
  let pings = 0;
  const ws = {
    getBufferedAmount: () => 0,
    send: () => 1,
    ping: () => pings++,
    end: (code: number) => ended.push(code),
  };
  const socket = new OpenpiSocket(ws as unknown as WebSocket<unknown>, { soft: 1_000, hard: 2_000 });
  const account = { users: 0 };
  const made = new OpenpiConnection(
    socket,
    {} as never,
    {} as OpenpiParameters,
    account as never,
    { clock, pingIntervalMs: 5_000 } as unknown as OpenpiConnectionDeps,
  );
  const silentFor = (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; clock.ms += 250) made.sweep(clock.ms);
  };
  return { made, account, ended, silentFor, pings: () => pings };
}

test('[O11] who executes a chunk and answers no ping meanwhile is not cut off; who is silent for a minute is', () => {
  const { ended, made, pings, silentFor } = connection();
  silentFor(59_000);
  expect(pings()).toBeGreaterThan(10);
  expect(ended).toEqual([]);
  made.heard();
  silentFor(59_000);
  expect(ended).toEqual([]);
  silentFor(2_000);
  expect(ended).toEqual([1011]);
});

test('[O11] a socket that closes while its session is being decided leaves nothing', () => {
  const { account, made } = connection();
  expect(account.users).toBe(1);
  made.closed();
  expect(account.users).toBe(0);
});

test('[O11] a drain ends what has no session yet with 1001', () => {
  const { ended, made } = connection();
  made.drain();
  expect(ended).toEqual([1001]);
});
