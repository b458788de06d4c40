import type { WebSocket } from 'uWebSockets.js';
import { expect, test } from 'vitest';
import { SocketHandle } from './socket-handle.js';

/** What uWS's socket does, as far as the handle can see: a real peer that never reads takes megabytes of kernel buffers to fill. */
class FakeSocket {
  buffered = 0;
  answer = 1;
  sent = 0;
  ended: number | null = null;

  send(): number {
    this.sent++;
    return this.answer;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  end(code: number): void {
    this.ended = code;
  }
}

const LIMITS = { soft: 1_000, hard: 5_000 };
const FRAME = new Uint8Array(100);

function make(): { fake: FakeSocket; handle: SocketHandle } {
  const fake = new FakeSocket();
  return { fake, handle: new SocketHandle(fake as unknown as WebSocket<unknown>, LIMITS) };
}

test('[S8] above the soft limit the socket is congested until it has drained', () => {
  const { fake, handle } = make();
  expect(handle.congested(0)).toBe(false);
  fake.buffered = 1_001;
  expect(handle.congested(10)).toBe(true);
  expect(handle.congestedFor(60)).toBe(50);
  fake.buffered = 1_000;
  expect(handle.congested(70)).toBe(false);
  expect(handle.congestedFor(80)).toBe(0);
});

test('[S8] above the hard limit the frame is not sent and the socket closes 4508', () => {
  const { fake, handle } = make();
  fake.buffered = 4_950;
  expect(handle.send(FRAME, 0)).toBe('closed');
  expect(fake.sent).toBe(0);
  expect(fake.ended).toBe(4508);
  expect(handle.open).toBe(false);
});

test('[S8] a frame that uWS says it dropped ends the stream: it would have a hole', () => {
  const { fake, handle } = make();
  fake.answer = 2;
  expect(handle.send(FRAME, 0)).toBe('closed');
  expect(fake.ended).toBe(4508);
});

test('[S10] after close the socket is never touched again', () => {
  const { fake, handle } = make();
  handle.forget();
  expect(handle.send(FRAME, 0)).toBe('closed');
  expect(handle.congested(0)).toBe(true);
  handle.end(1000, 'bye', 0);
  handle.ping();
  expect(fake).toMatchObject({ sent: 0, ended: null });
});
