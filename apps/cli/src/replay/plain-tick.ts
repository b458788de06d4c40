import { flagNames } from '@sinew/control';
import type { ReplayedTick, TickStages } from '@sinew/replay';

/** A tick as JSON holds it; the record's own values only where they differ. */
export function plainTick({ episode, n, proposed, blended, recorded, difference, ...stages }: ReplayedTick): object {
  return {
    episode,
    tick: n,
    proposed: proposed === null ? null : Array.from(proposed),
    blended: blended === null ? null : Array.from(blended),
    ...plainStages(stages),
    same: difference === null,
    ...(difference === null ? {} : { recorded: plainStages(recorded) }),
  };
}

const plainStages = ({ hold, smoothed, sent, flags, score, logId }: TickStages): object => ({
  smoothed: Array.from(smoothed),
  sent: Array.from(sent),
  hold,
  flags: flagNames(flags),
  score,
  log_id: logId,
});
