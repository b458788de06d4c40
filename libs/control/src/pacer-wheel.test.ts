import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacerWheel } from './pacer-wheel.js';
import { mulberry32 } from './testing/kit.js';

interface Tick {
  id: string;
  tick: number;
  dueMs: number;
  skipped: number;
}

function advance(wheel: PacerWheel<string>, nowMs: number): Tick[] {
  const ticks: Tick[] = [];
  wheel.advance(nowMs, (id, tick, dueMs, skipped) => ticks.push({ id, tick, dueMs, skipped }));
  return ticks;
}

describe('the pacer', () => {
  it('[P1] tick n is due at start + n/hz, without drift after a million ticks', () => {
    const wheel = new PacerWheel<string>();
    wheel.add('a', 1000.25, 30);
    const late = 1000.25 + (1e6 * 1000) / 30;
    expect(advance(wheel, 1000.25)).toEqual([{ id: 'a', tick: 0, dueMs: 1000.25, skipped: 0 }]);
    expect(advance(wheel, late)).toEqual([{ id: 'a', tick: 1e6, dueMs: late, skipped: 1e6 - 1 }]);
    expect(wheel.nextDueMs()).toBe(1000.25 + ((1e6 + 1) * 1000) / 30);
    expect(wheel.next('a')).toEqual({ tick: 1e6 + 1, dueMs: wheel.nextDueMs() });
  });

  it('[P2] a late server skips and counts, and never sends a burst', () => {
    const wheel = new PacerWheel<string>();
    wheel.add('a', 0, 10);
    advance(wheel, 0);
    expect(advance(wheel, 99.9)).toEqual([]);
    expect(advance(wheel, 350)).toEqual([{ id: 'a', tick: 3, dueMs: 300, skipped: 2 }]);
    expect(advance(wheel, 350)).toEqual([]);
    expect(advance(wheel, 400)).toEqual([{ id: 'a', tick: 4, dueMs: 400, skipped: 0 }]);
  });

  it('[P1] many sessions of any rate, added and removed at any time, each get every tick once and in order', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = mulberry32(seed);
        const wheel = new PacerWheel<string>();
        const expected = new Map<string, { start: number; hz: number; next: number }>();
        let now = 0;
        let serial = 0;
        for (let round = 0; round < 200; round++) {
          now += random() * 40;
          if (random() < 0.4) {
            const session = { start: now + random() * 30 - 5, hz: 1 + random() * 99, next: 0 };
            expected.set(`s${serial}`, session);
            wheel.add(`s${serial++}`, session.start, session.hz);
          }
          if (random() < 0.15 && expected.size > 0) {
            const id = [...expected.keys()][Math.floor(random() * expected.size)] as string;
            expect(wheel.remove(id)).toBe(true);
            expected.delete(id);
          }
          // One expectation a round: matchers in the callback would take longer than what they watch.
          let right = true;
          wheel.advance(now, (id, tick, dueMs, skipped) => {
            const session = expected.get(id)!;
            right &&= tick === session.next + skipped;
            right &&= dueMs === session.start + (tick * 1000) / session.hz && dueMs <= now;
            right &&= session.start + ((tick + 1) * 1000) / session.hz > now;
            session.next = tick + 1;
          });
          expect(right).toBe(true);
          expect(wheel.size).toBe(expected.size);
          const due = [...expected.values()].map((s) => s.start + (s.next * 1000) / s.hz);
          expect(wheel.nextDueMs()).toBe(due.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...due));
          expect(wheel.nextDueMs()).toBeGreaterThan(now);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('[P1] sessions may come and go inside the callback', () => {
    const wheel = new PacerWheel<string>();
    for (const id of ['a', 'b', 'c']) wheel.add(id, 0, 10);
    const seen: string[] = [];
    wheel.advance(0, (id) => {
      seen.push(id);
      wheel.remove('c');
      if (id === 'b') {
        wheel.remove('b');
        wheel.add('d', 0, 20);
      }
    });
    expect(new Set(seen)).toEqual(new Set(['a', 'b', 'd', ...(seen.includes('c') ? ['c'] : [])]));
    expect(wheel.size).toBe(2);
    expect(wheel.remove('nobody')).toBe(false);
  });

  it('[P1] refuses rates and starts that are no numbers', () => {
    const wheel = new PacerWheel<string>();
    for (const [start, hz] of [
      [Number.NaN, 10],
      [0, 0],
      [0, -1],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(() => wheel.add('a', start, hz)).toThrow(RangeError);
    }
    wheel.add('a', 0, 10);
    expect(advance(wheel, Number.NaN)).toEqual([]);
    expect(wheel.size).toBe(1);
  });
});
