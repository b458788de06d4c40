import type { Figure, Findings } from '../result.js';
import type { MicroResult } from './micro-command.js';

export function microFindings({ calls, operations, allocations }: MicroResult): Findings {
  const figures: Figure[] = [];
  for (const { name, p50_us, p99_us, target_p99_us } of calls) {
    const id = `micro.${slug(name)}`;
    const goal = target_p99_us === null ? {} : { goal: { op: '<=', value: target_p99_us } as const };
    figures.push({ name: `${id}.p50_us`, label: `${name}, p50`, unit: 'µs', better: 'lower', value: p50_us });
    figures.push({ name: `${id}.p99_us`, label: `${name}, p99`, unit: 'µs', better: 'lower', value: p99_us, ...goal });
  }
  for (const { name, median_ns, rounds_ns, target_ns } of operations) {
    figures.push({
      name: `micro.${slug(name)}.ns`,
      label: name,
      unit: 'ns',
      better: 'lower',
      value: median_ns,
      rounds: [...rounds_ns],
      ...(target_ns === null ? {} : { goal: { op: '<=', value: target_ns } as const }),
    });
  }
  for (const { name, allocated_bytes_per_tick, growth_bytes } of allocations) {
    const id = `micro.heap.${slug(name)}`;
    const rows = [
      ['bytes_per_tick', 'bytes allocated a tick', allocated_bytes_per_tick],
      ['growth_bytes', 'bytes left behind', growth_bytes],
    ] as const;
    for (const [key, label, value] of rows) {
      figures.push({ name: `${id}.${key}`, label: `${name}: ${label}`, unit: 'B', better: 'lower', value });
    }
  }
  return { figures };
}

/** `decode a 20 KB observation` → `decode_a_20_kb_observation`: stable as long as the operation is called so. */
export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
