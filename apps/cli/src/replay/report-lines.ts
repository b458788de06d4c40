import type { SessionReport } from '@sinew/replay';

/** What a person reads of one session. `changed`: with other settings than the recorded ones. */
export function reportLines(report: SessionReport, changed: boolean): string[] {
  const { differing, differing_sent, first, holds, incomplete, largest, model_id, pacing, robot_id, robot_type } =
    report;
  const lines = [
    `${report.session_id}  ${robot_id} (${robot_type}, ${model_id}, ${pacing}): ${report.ticks} ticks, ${holds} of them holds`,
  ];
  const say = (text: string): number => lines.push(`  ${text}`);
  if (incomplete !== null) say(`not replayed to its end: ${incomplete}`);
  if (report.ticks === 0) return lines;
  if (differing === 0) say(changed ? 'nothing would have changed' : 'every number is the recorded one, bit for bit');
  else {
    say(
      `${differing} ticks ${changed ? 'would have been other' : 'DIFFER from the record'}, ${differing_sent} of them in what is sent`,
    );
  }
  if (largest !== null) {
    say(
      `largest difference ${largest.difference.toPrecision(3)}, at tick ${largest.n} of episode ${largest.episode}, entry ${largest.index}`,
    );
  }
  if (first !== null) {
    const where = first.index < 0 ? '' : `[${first.index}]`;
    say(
      `first at tick ${first.n} of episode ${first.episode}: ${first.stage}${where} was ${first.recorded}, is ${first.replayed}`,
    );
  }
  const flags = Object.entries(report.flags).map(([name, { recorded, replayed }]) =>
    recorded === replayed ? `${name} ${recorded}` : `${name} ${recorded} → ${replayed}`,
  );
  if (flags.length > 0) say(`ticks with flags: ${flags.join(', ')}`);
  return lines;
}
