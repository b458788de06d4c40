import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { AuditedRobot } from './audited-robot.js';
import { ChaosInstance, orphans } from './chaos-instance.js';
import { fillJournal } from './fill-journal.js';
import { ChaosFleet } from './fleet.js';
import { until } from './until.js';

const run = promisify(execFile);
/** The least that may be set. */
const BUDGET_MB = 16;
const DISK = '14m';

/** Mounting needs root, and a kernel that lets it. */
async function canMount(): Promise<boolean> {
  return run('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).then(
    () => process.getuid?.() === 0,
    () => false,
  );
}
const mountable = await canMount();
if (!mountable) process.stderr.write('chaos: !!! NOT RUN, a full disk: no tmpfs can be mounted here\n');

describe('a disk that fills while nothing is shipped', { timeout: 150_000 }, () => {
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each();
    expect(orphans()).toEqual([]);
  }, 60_000);

  /** Moving robots hold, new ones are refused, and with the shipper back all of it is stored and they go on. */
  async function fills(instance: ChaosInstance, refused: boolean): Promise<void> {
    const stays: AuditedRobot[] = [];
    const fleet = await ChaosFleet.start(instance, ['wild', 'wild']);
    await fleet.moves();
    const sessions = fleet.sessions;
    await instance.frozen('shipper', async () => {
      // A busy machine starves robots too: of the budget the gateway itself says when it is full.
      const holding = () => fleet.robots.every(({ holds }) => (holds.starved ?? 0) >= 20);
      await fillJournal(instance, async () =>
        refused ? (await instance.metric('vla_journal_budget_ratio')) >= 1 : holding(),
      );
      await fleet.holds('starved', 20);
      const { ws: url, api_key: apiKey } = instance.ready;
      const late = AuditedRobot.start({ url, apiKey: apiKey ?? '', robotId: 'late', model: 'wild' });
      if (refused) await expect(late).rejects.toMatchObject({ code: 'journal_full' });
      // Of a real disk some writes still fit: who is let in holds until there is room for more.
      else
        await late.then(
          (robot) => stays.push(robot),
          (error) => expect(error).toMatchObject({ code: 'journal_full' }),
        );
      fleet.sound();
      expect(stays.map(({ actions }) => actions)).toEqual(stays.map(() => 0));
    });
    await fleet.moves();
    await until('the late robot moves', () => stays.every(({ actions }) => actions > 5));
    for (const robot of stays) expect((await robot.stop()).errors).toEqual([]);
    fleet.sound();
    expect(fleet.sessions).toEqual(sessions);
    await fleet.stop();
    expect(await fleet.stored()).toBeGreaterThan(10);
    // It was never the gateway's end.
    expect(instance.said.filter((line) => line.includes('gateway: ended'))).toEqual([]);
  }

  test('the journal’s budget', async () => {
    const instance = await ChaosInstance.start({
      args: ['--journal-budget-mb', `${BUDGET_MB}`, '--journal-keep-days', '0'],
    });
    undo.push(() => instance.stop());
    await fills(instance, true);
  });

  test.skipIf(!mountable)('the disk itself, which is smaller than the budget', async () => {
    let unmount = async (): Promise<void> => undefined;
    const instance = await ChaosInstance.start({
      args: ['--journal-keep-days', '0'],
      before: async (dir) => {
        const journal = join(dir, 'journal');
        await mkdir(journal);
        await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'sinew-chaos', journal]);
        unmount = async () => void (await run('umount', ['-l', journal]));
      },
      after: () => unmount(),
    });
    undo.push(() => instance.stop());
    await fills(instance, false);
  });
});
