import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockEstimator } from './clock-estimator.js';

/** One exchange: the server's pong leaves at `at`, rests `rest` on the client, and the ping comes back. */
function exchange(
  clock: ClockEstimator,
  at: number,
  { down, up, rest, offset }: { down: number; up: number; rest: number; offset: number },
): number {
  const received = at + down - offset; // client clock = server clock − offset
  const sent = received + rest;
  const arrival = at + down + rest + up;
  clock.onPing(sent, { server_time_ms: at, received_at_ms: received }, arrival);
  return arrival;
}

describe('the clock of a client', () => {
  it('[W7] an echoed ping gives the round trip and the offset, whatever the client waited', () => {
    const clock = new ClockEstimator();
    exchange(clock, 1000, { down: 20, up: 20, rest: 4321, offset: -777.5 });
    expect(clock.estimate()).toEqual({ offset_ms: -777.5, rtt_ms: 40 });
  });

  it('[W7] the lowest round trip of the last 16 wins, then ages out', () => {
    const clock = new ClockEstimator();
    exchange(clock, 0, { down: 5, up: 5, rest: 10, offset: 100 });
    for (let i = 1; i < 16; i++) exchange(clock, i * 1000, { down: 10, up: 90, rest: 10, offset: 100 });
    expect(clock.estimate()).toEqual({ offset_ms: 100, rtt_ms: 10 });
    exchange(clock, 16_000, { down: 10, up: 90, rest: 10, offset: 100 });
    expect(clock.rttMs).toBe(100);
  });

  it('[W7] the error of the offset is at most half the round trip', () => {
    const ms = fc.double({ min: 0, max: 500, noNaN: true });
    fc.assert(
      fc.property(ms, ms, ms, fc.double({ min: -1e9, max: 1e9, noNaN: true }), (down, up, rest, offset) => {
        const clock = new ClockEstimator();
        exchange(clock, 1e6, { down, up, rest, offset });
        const estimate = clock.estimate();
        fc.pre(estimate !== null && estimate.rtt_ms !== null);
        expect(Math.abs((estimate?.offset_ms ?? Number.NaN) - offset)).toBeLessThanOrEqual((down + up) / 2 + 1e-3);
      }),
    );
  });

  it('[W7] [SAFE-T1] a stamp makes an observation older, never younger than its arrival', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e4, noNaN: true }),
        (captured, wait) => {
          const clock = new ClockEstimator();
          exchange(clock, 1000, { down: 1, up: 1, rest: 1, offset: 0 });
          clock.onObservation(captured, 2000);
          expect(clock.ageMs(captured, 2000, 2000 + wait)).toBeGreaterThanOrEqual(2000 + wait - 2000);
        },
      ),
    );
    const clock = new ClockEstimator();
    exchange(clock, 1000, { down: 1, up: 1, rest: 1, offset: 50 });
    expect(clock.ageMs(1700, 2000, 2010)).toBe(260);
  });

  it('[W7] a client that never pings is served: the fastest of the last 64 arrivals is the offset', () => {
    const clock = new ClockEstimator();
    expect(clock.ageMs(5, 1000, 1010)).toBe(10);
    clock.onObservation(0, 1030);
    clock.onObservation(100, 1105); // the fastest: offset 1005
    clock.onObservation(200, 1290); // 85 ms later than the fastest would have been
    expect(clock.estimate()).toEqual({ offset_ms: 1005, rtt_ms: null });
    expect(clock.ageMs(200, 1290, 1300)).toBe(95);
    for (let i = 0; i < 64; i++) clock.onObservation(300 + i, 1330 + i);
    expect(clock.estimate()?.offset_ms).toBe(1030);
  });

  it('[W7] after a new socket the client’s clock is still known: a frame that was held up is as old as it is', () => {
    const clock = new ClockEstimator();
    exchange(clock, 1000, { down: 5, up: 5, rest: 10, offset: 500 });
    clock.onObservation(1500, 2010);
    clock.reset();
    expect(clock.rttMs).toBeNull();
    clock.onObservation(2100, 4000); // arrived on the new socket 1,400 ms late
    expect(clock.ageMs(2100, 4000, 4000)).toBe(1390);
  });

  it('[W7] a capture over 1 s ahead is told only with a round trip', () => {
    const clock = new ClockEstimator();
    clock.onObservation(1e9, 2000);
    expect(clock.isFromTheFuture(1e9, 2000)).toBe(false);
    exchange(clock, 1000, { down: 1, up: 1, rest: 1, offset: 0 });
    expect(clock.isFromTheFuture(3000, 2000)).toBe(false);
    expect(clock.isFromTheFuture(3000.5, 2000)).toBe(true);
  });

  it('[W7] echoes that cannot be true teach nothing', () => {
    const clock = new ClockEstimator();
    clock.onPing(10, undefined, 1000);
    clock.onPing(10, { server_time_ms: 2000, received_at_ms: 5 }, 1000); // a pong of the future
    clock.onPing(10, { server_time_ms: 900, received_at_ms: 20 }, 1000); // a ping sent before its pong came
    clock.onPing(500, { server_time_ms: 900, received_at_ms: 20 }, 1000); // a rest longer than the exchange
    expect(clock.estimate()).toBeNull();
  });
});
