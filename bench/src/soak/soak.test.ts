import { expect, test } from 'vitest';
import type { MemoryReading } from '../load/gateway-messages.js';
import { heapGrowth, rssGrowth, type SoakSample } from './samples.js';
import type { soak } from './soak-command.js';

const reading = (heapMb: number, externalMb = 1): MemoryReading => ({
  rssBytes: 1e8,
  heapBytes: 1e6 * heapMb,
  externalBytes: 1e6 * externalMb,
});

test('growth is of the middle readings, between the most and the least that they allow', () => {
  const memory = { before: [reading(50), reading(51), reading(50.5)], after: [reading(52), reading(54), reading(53)] };
  expect(heapGrowth(memory, 'heapBytes')).toEqual({ bytes: 2.5e6, low: 1e6, high: 4e6 });
  expect(heapGrowth(memory, 'externalBytes').bytes).toBe(0);
});

test('a leak of ten megabytes an hour is seen in resident memory, what grows once at the start is not one', () => {
  const sample = (at_s: number, rss_mb: number): SoakSample => ({
    at_s,
    rss_mb,
    loop_delay_p99_ms: 1,
    jitter_p99_ms: 1,
    age_p99_ms: 1,
    send_lag_p99_ms: 1,
    missed: 0,
    received: 1,
    gateway_cores: 0.5,
    steal_share: 0,
  });
  const minutes = Array.from({ length: 60 }, (_, minute) => minute);
  const leak = rssGrowth(minutes.map((minute) => sample(60 * minute, 50 + minute / 6)));
  expect(leak?.slope).toBeCloseTo(1e7, -4);
  expect(leak?.low).toBeGreaterThan(0);
  expect(rssGrowth(minutes.map((minute) => sample(60 * minute, minute < 9 ? 40 : 50)))?.slope).toBe(0);
  expect(rssGrowth([])).toBeNull();
});

test('a few seconds of it: every figure, every sample, ticks accounted for', async () => {
  // From what was built: the gateway is a process of its own.
  const built = new URL('../../dist/soak/soak-command.js', import.meta.url).href;
  const { soak: command } = (await import(built)) as { soak: typeof soak };
  const argv = ['--minutes', '0.06', '--robots', '3', '--warmup', '0.5', '--sample-s', '0.5'];
  const { result } = await command.run([...argv, '--frame-kb', '4'], 'soak');
  expect(result).toMatchObject({ bench: 'soak', details: { robots: 3, capacity: null, lost_sessions: 0, errors: {} } });
  const { figures, details } = result as {
    figures: { name: string }[];
    details: { received: number; samples: unknown[] };
  };
  expect(details.received).toBeGreaterThan(0);
  expect(details.samples.length).toBeGreaterThanOrEqual(2);
  const names = figures.map(({ name }) => name);
  for (const name of ['soak.missed_ratio', 'soak.held_ratio', 'soak.heap_growth_mb']) expect(names).toContain(name);
});
