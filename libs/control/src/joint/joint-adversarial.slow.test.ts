import { ROBOTS } from '@sinew/robots';
import { expect, it } from 'vitest';
import { JOINT_SPACES, jointCampaign } from '../testing/joint-adversary.js';

/** As for the tool's own: SINEW_ADVERSARIAL_TICKS raises it (10000000 takes some minutes); SINEW_ADVERSARIAL_SEED repeats a run. */
const TICKS = Number(process.env.SINEW_ADVERSARIAL_TICKS ?? 1_000_000);
const SEED = Number(process.env.SINEW_ADVERSARIAL_SEED ?? Date.now() % 1e9);

it('[SAFE-B1] [SAFE-B2] [SAFE-B3] [SAFE-B4] [SAFE-B5] [SAFE-B6] [SAFE-B7] [SAFE-B8] [SAFE-N3] [SAFE-G1] [SAFE-E1] [SAFE-E2] [SAFE-E4] a million hostile ticks of joints, every robot, space, mode and rate', () => {
  const worst: Record<string, number> = {};
  const seen = new Set<string>();
  const faults: string[] = [];
  let ticks = 0;
  let moving = 0;
  let emergencies = 0;
  const startMs = performance.now();
  for (const { attack, auditor } of jointCampaign(TICKS, SEED)) {
    ticks += auditor.ticks;
    moving += auditor.moving;
    emergencies += auditor.emergencies;
    seen.add(`${attack.robot.id} ${attack.space} ${attack.mode}`);
    for (const [name, value] of Object.entries(auditor.worst)) worst[name] = Math.max(worst[name] ?? 0, value);
    const who = `${attack.robot.id} ${attack.space} ${attack.mode} ${attack.hz} Hz, seed ${attack.seed}`;
    if (auditor.violations.length > 0) faults.push(`${who}: ${auditor.violations[0]}`);
    if (attack.faithful === true && auditor.emergencies > 0) faults.push(`${who}: an emergency for nothing`);
  }
  const perSecond = Math.round((1_000 * ticks) / (performance.now() - startMs));
  process.stderr.write(
    `${ticks} ticks (${moving} in motion), seed ${SEED}, ${perSecond} ticks/s audited, ${emergencies} declared emergencies; worst of each limit ${JSON.stringify(worst)}\n`,
  );
  expect(faults).toEqual([]);
  const governable = ROBOTS.filter((robot) => robot.joints.every(({ velocity }) => velocity !== null));
  expect(seen.size).toBe(2 * JOINT_SPACES.length * governable.length);
}, 7_200_000);
