import { createInterface } from 'node:readline';
import { AuditedRobot, type RobotOptions } from './audited-robot.js';

// Audited robots in a process of their own, so that they can live in a network namespace, or be frozen. One line in asks for
// one line out, which says how every robot is; the end of the input ends them.

const options = JSON.parse(process.argv[2] ?? '[]') as RobotOptions[];
const robots = await Promise.all(options.map((each) => AuditedRobot.start(each)));

function report(): void {
  const rows = robots.map(({ id, actions, holds, localHolds, sessions, errors, logIds, over, oldestMs }) => ({
    id,
    actions,
    holds,
    localHolds,
    sessions,
    errors,
    oldestMs,
    logIds: [...logIds],
    over: over?.message ?? null,
  }));
  process.stdout.write(`${JSON.stringify(rows)}\n`);
}

report();
const lines = createInterface({ input: process.stdin });
lines.on('line', report);
lines.once('close', () => {
  void Promise.all(robots.map((robot) => robot.stop())).then(() => process.exit(0));
});
