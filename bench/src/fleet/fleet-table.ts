import type { FleetCell, FleetResult } from './fleet-findings.js';

const HEADS = [
  'robots',
  'order',
  'horizon',
  'successes/min',
  'success',
  'held',
  'worst',
  'inferences/s',
  'batch',
  'busy',
  's',
  'age p50',
  'missed',
];

export function fleetTable(result: FleetResult): readonly string[] {
  const { cells, service, max_batch, hz, seconds, link } = result;
  const rows = [HEADS, ...cells.map(rowOf)];
  const widths = HEADS.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return [
    `${result.policy} at ${hz} Hz for ${seconds} virtual seconds; a batch of B takes ${service.scale} × (${service.fixedMs} + ${service.perItemMs}·B) ms, at most ${max_batch}; link ${link.delayMs} to ${link.delayMs + link.jitterMs} ms each way`,
    `${result.saturating_robots.toFixed(0)} robots ask for what full batches give`,
    '',
    ...rows.map((row) =>
      row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    ),
    '',
  ];
}

function rowOf(cell: FleetCell): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return [
    String(cell.robots),
    cell.order,
    cell.horizon,
    cell.successesPerMinute.toFixed(0),
    percent(cell.successRate),
    percent(cell.starved / Math.max(1, cell.actions + cell.starved)),
    percent(cell.worstHeld),
    cell.inferencesPerS.toFixed(0),
    cell.meanBatch.toFixed(1),
    percent(cell.busyShare),
    cell.horizonTicks.toFixed(1),
    `${cell.ageP50Ms.toFixed(0)} ms`,
    String(cell.missedTicks),
  ];
}
