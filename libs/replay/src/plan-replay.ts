import { ControlLoop, type ControlSpec } from '@sinew/control';
import type { InferenceRecord } from '@sinew/journal';
import { float32Column, float64Column } from './columns.js';
import { difference, type ReplayedTick, recordedStages, stagesOf } from './replayed-tick.js';
import { type OtherSettings, ReplayError, specOf } from './settings.js';

/** A request by itself (REST): one plan from rest, tick by tick. Throws a ReplayError where the record has no plan. */
export function replayPlan(
  record: InferenceRecord,
  other: OtherSettings,
  onTick: (tick: ReplayedTick) => void,
): ControlSpec {
  const { plan, log_id, episode } = record;
  if (plan === undefined) throw new ReplayError('', 'the request was refused: nothing was planned');
  const spec = specOf(plan, other);
  const { dim } = spec;
  let blended: Float64Array | null = null;
  const loop = new ControlLoop(spec, (_, step) => {
    blended = step;
  });
  const actions = float32Column(record.chunk);
  const state = float64Column(plan.state);
  const proposed = float64Column(plan.proposed);
  const sent = float64Column(plan.sent);
  const length = plan.flags.length;
  const columns = { ...plan, log_ids: Array.from({ length }, () => log_id) };
  loop.observe(state, 0);
  loop.adopt({ actions, state, baseTick: 0, nextTick: 0, ref: log_id });
  loop.plan(0, length, (n, result) => {
    const recorded = recordedStages(columns, proposed, sent, dim, n);
    const stages = stagesOf(result);
    onTick({
      ...stages,
      n,
      episode,
      proposed: Float64Array.from(actions.subarray(n * dim, (n + 1) * dim)),
      recorded,
      blended,
      difference: difference(episode, n, recorded, stages),
    });
  });
  return spec;
}
