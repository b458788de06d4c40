import { ACTION_SPACES } from '@sinew/protocol';
import { ticks } from './control-operations.js';
import { panda } from './control-specs.js';
import { gatesAgain } from './gate-calls.js';
import type { Operation } from './time-operation.js';

/** Sessions as they go on and on, by name. A chunk of 1,000 ticks: next to nothing but ticks. */
export function steadyScenarios(): Record<string, () => Operation> {
  const scenarios: Record<string, () => Operation> = {};
  for (const space of ACTION_SPACES) {
    const long = panda(space, { chunkSize: 1_000, execute: 1_000 });
    scenarios[`${space}: ticks`] = () => ticks(long, 'slow');
    scenarios[`${space}: ticks, too fast`] = () => ticks(long, 'fast');
    scenarios[`${space}: ticks, an observation and a chunk every 4`] = () => ticks(panda(space), 'slow');
  }
  for (const smoothing of ['ema', 'one_euro', 'butterworth2', 'jerk_limited'] as const) {
    const spec = panda('ee_delta', { chunkSize: 1_000, execute: 1_000, smoothing });
    scenarios[`ee_delta: ticks, ${smoothing}`] = () => ticks(spec, 'slow');
  }
  const blended = panda('ee_delta', { chunkSize: 1_000, execute: 250, blend: 'temporal_ensemble' });
  scenarios['ee_delta: ticks, four chunks blended'] = () => ticks(blended, 'slow');
  scenarios['gates: an observation that passes'] = gatesAgain;
  return scenarios;
}
