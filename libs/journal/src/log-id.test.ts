import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_ID_EPOCH_MS, LogIds, logIdNode, logIdTimeMs } from './log-id.js';

const NOW = Date.UTC(2026, 10, 21, 12);

describe('log ids', () => {
  it('[I1] an id holds its millisecond and its node', () => {
    const id = new LogIds(37).next(NOW + 0.9);
    expect(logIdTimeMs(id)).toBe(NOW);
    expect(logIdNode(id)).toBe(37);
  });

  it('[I1] the 129th id of a millisecond belongs to the next one', () => {
    const ids = new LogIds(0);
    const all = Array.from({ length: 129 }, () => ids.next(NOW));
    expect(all.slice(0, 128).every((id) => logIdTimeMs(id) === NOW)).toBe(true);
    expect(logIdTimeMs(all[128] as number)).toBe(NOW + 1);
  });

  it('[I1] the last id of 40 bits is still exact', () => {
    const id = new LogIds(63).next(LOG_ID_EPOCH_MS + 2 ** 40 - 1);
    expect(Number.isSafeInteger(id)).toBe(true);
    expect(id).toBeGreaterThan(2 ** 52);
  });

  it('[I1][I2] ids rise strictly from the floor on, whatever clock and node do', () => {
    const clock = fc.array(fc.integer({ min: -1_000, max: 2 ** 40 - 1_000 }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(
        clock,
        fc.nat(63),
        fc.nat(63),
        fc.integer({ min: 1, max: 2 ** 40 - 1_000 }),
        (times, node, otherNode, floorMs) => {
          let last = new LogIds(otherNode).next(LOG_ID_EPOCH_MS + floorMs);
          const ids = new LogIds(node, last);
          for (const ms of times) {
            const id = ids.next(LOG_ID_EPOCH_MS + ms);
            expect(id).toBeGreaterThan(last);
            expect(logIdNode(id)).toBe(node);
            last = id;
          }
        },
      ),
    );
  });
});
