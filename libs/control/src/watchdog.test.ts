import { describe, expect, it } from 'vitest';
import { Watchdog } from './watchdog.js';

describe('the watchdog', () => {
  it('[S6] a session without an observation younger than the limit for as long is stale', () => {
    const dog = new Watchdog(500);
    expect(dog.stale(0)).toBe(true);
    expect(dog.observed(1000, 20)).toBe(true);
    expect(dog.stale(1499)).toBe(false);
    expect(dog.stale(1500)).toBe(true);
  });

  it('[S6] frames that arrive old do not count, however many', () => {
    const dog = new Watchdog(500);
    dog.observed(0, 0);
    for (let now = 100; now <= 600; now += 100) expect(dog.observed(now, 500)).toBe(false);
    expect(dog.stale(600)).toBe(true);
    expect(dog.observed(600, Number.NaN)).toBe(false);
    expect(dog.stale(600)).toBe(true);
  });

  it('[S6] a clock that is no number is stale, and a reset forgets', () => {
    const dog = new Watchdog(500);
    dog.observed(0, 0);
    expect(dog.stale(Number.NaN)).toBe(true);
    dog.reset();
    expect(dog.stale(1)).toBe(true);
    expect(() => new Watchdog(0)).toThrow(RangeError);
  });
});
