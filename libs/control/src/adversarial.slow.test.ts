import { ROBOTS } from '@sinew/robots';
import { expect, it } from 'vitest';
import { campaign } from './testing/adversary.js';

/** SINEW_ADVERSARIAL_TICKS raises it (10000000 takes some minutes); SINEW_ADVERSARIAL_SEED repeats a run. */
const TICKS = Number(process.env.SINEW_ADVERSARIAL_TICKS ?? 1_000_000);
const SEED = Number(process.env.SINEW_ADVERSARIAL_SEED ?? Date.now() % 1e9);

it('[SAFE-B1] [SAFE-B2] [SAFE-B3] [SAFE-B4] [SAFE-B5] [SAFE-B6] [SAFE-B7] [SAFE-B8] [SAFE-N3] [SAFE-G1] [SAFE-E1] [SAFE-E2] [SAFE-E4] a million hostile ticks, every robot, both modes, every rate', () => {
  const worst: Record<string, number> = {};
  const seen = new Set<string>();
  const faults: string[] = [];
  let ticks = 0;
  let emergencies = 0;
  const startMs = performance.now();
  for (const { attack, auditor } of campaign(TICKS, SEED)) {
    ticks += auditor.ticks;
    emergencies += auditor.emergencies;
    seen.add(`${attack.robot.id} ${attack.mode}`);
    for (const [name, value] of Object.entries(auditor.worst)) worst[name] = Math.max(worst[name] ?? 0, value);
    if (auditor.violations.length > 0) {
      faults.push(`${attack.robot.id} ${attack.mode} ${attack.hz} Hz, seed ${attack.seed}: ${auditor.violations[0]}`);
    }
  }
  const perSecond = Math.round((1_000 * ticks) / (performance.now() - startMs));
  process.stderr.write(
    `${ticks} ticks, seed ${SEED}, ${perSecond} ticks/s audited, ${emergencies} declared emergencies; worst of each limit ${JSON.stringify(worst)}\n`,
  );
  expect(faults).toEqual([]);
  expect(seen.size).toBe(2 * ROBOTS.length);
}, 3_600_000);
