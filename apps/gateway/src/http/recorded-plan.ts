import type { ControlLoop, Plan, TickResult } from '@sinew/control';
import type { RecordedPlan } from '@sinew/journal';
import { kindOf } from '../session/tick-log.js';

const bytesOf = (values: Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Plans ticks 0 … length − 1 of a loop that stands before them, and notes what a replay of it needs. */
export function planRecorded(
  loop: ControlLoop,
  state: Float64Array,
  length: number,
  onTick: (n: number, tick: TickResult) => void,
): { readonly plan: Plan; readonly record: RecordedPlan } {
  const { limits, ...control } = loop.spec;
  const proposed = new Float64Array(length * control.dim);
  const flags: number[] = [];
  const score: number[] = [];
  const kinds: number[] = [];
  const plan = loop.plan(0, length, (n, tick) => {
    proposed.set(tick.proposed, n * control.dim);
    flags.push(tick.flags);
    score.push(tick.score);
    kinds.push(kindOf(tick));
    onTick(n, tick);
  });
  const columns = { proposed: bytesOf(proposed), sent: bytesOf(plan.values), flags, score, kinds };
  return { plan, record: { control, limits, state: bytesOf(state), ...columns } };
}
