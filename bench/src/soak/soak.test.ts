import { expect, test } from 'vitest';
import { heapGrowth, type SoakSample } from './samples.js';
import type { soak } from './soak-command.js';

const sample = (at_s: number, heap_mb: number | null): SoakSample => ({
  at_s,
  heap_mb,
  rss_mb: 100,
  external_mb: 1,
  loop_delay_p99_ms: 1,
  jitter_p99_ms: 1,
  age_p99_ms: 1,
  send_lag_p99_ms: 1,
  missed: 0,
  received: 1,
  gateway_cores: 0.5,
});

test('a leak of ten megabytes an hour is seen, what grows once at the start is not one', () => {
  const minutes = Array.from({ length: 60 }, (_, minute) => minute);
  const leak = heapGrowth(
    minutes.map((minute) => sample(60 * minute, 50 + minute / 6)),
    'heap_mb',
  );
  expect(leak?.slope).toBeCloseTo(1e7, -4);
  expect(leak?.low).toBeGreaterThan(0);
  const once = heapGrowth(
    minutes.map((minute) => sample(60 * minute, minute < 9 ? 40 : 50)),
    'heap_mb',
  );
  expect(once?.slope).toBe(0);
  expect(
    heapGrowth(
      minutes.map((minute) => sample(60 * minute, null)),
      'heap_mb',
    ),
  ).toBeNull();
});

test('a few seconds of it: every figure, every sample, ticks accounted for', async () => {
  // From what was built: the gateway is a process of its own.
  const built = new URL('../../dist/soak/soak-command.js', import.meta.url).href;
  const { soak: command } = (await import(built)) as { soak: typeof soak };
  const argv = ['--minutes', '0.06', '--robots', '3', '--warmup', '0.5', '--sample-s', '0.5', '--heap-every', '1'];
  const { result } = await command.run([...argv, '--frame-kb', '4'], 'soak');
  expect(result).toMatchObject({ bench: 'soak', details: { robots: 3, capacity: null, lost_sessions: 0, errors: {} } });
  const { figures, details } = result as {
    figures: { name: string }[];
    details: { received: number; samples: unknown[] };
  };
  expect(details.received).toBeGreaterThan(0);
  expect(details.samples.length).toBeGreaterThanOrEqual(2);
  const names = figures.map(({ name }) => name);
  for (const name of ['soak.missed_ratio', 'soak.held_ratio']) expect(names).toContain(name);
});
