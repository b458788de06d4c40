import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { episodeRow, inferenceRow, sessionRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

export function registerHistoryTests(db: TestedDatabase): void {
  describe('the history of a customer', () => {
    const mine = uuidv7();
    const theirs = uuidv7();
    const at = (day: number) => `2026-11-0${day}T10:00:00.000Z`;
    const own = [1, 2, 3].map((day) =>
      sessionRow({
        customer_id: mine,
        robot_id: `arm-${day % 2}`,
        opened_at: at(day),
        ...(day === 3 ? {} : { closed_at: at(day + 1), reason: 'client' }),
      }),
    );
    const foreign = sessionRow({ customer_id: theirs, opened_at: at(2) });
    const session = own[2]?.session_id ?? '';
    const log = inferenceRow({ customer_id: mine, session_id: session, timestamp: at(3) });
    const others = [4, 5].map((day) => inferenceRow({ customer_id: mine, timestamp: at(day), robot_id: 'arm-9' }));
    const foreignLog = inferenceRow({ customer_id: theirs, timestamp: at(3) });
    const everything = { limit: 50, offset: 0 };
    const ids = (page: { rows: readonly { session_id: string | null }[] }) => page.rows.map((row) => row.session_id);

    beforeAll(async () => {
      await db.repo.shipping.store({
        ...EMPTY_BATCH,
        sessions: [...own, foreign],
        episodes: [0, 1].map((episode) => episodeRow({ customer_id: mine, session_id: session, episode })),
        inferences: [log, ...others, foreignLog],
      });
    });

    test('sessions come newest first, filtered by robot, by being open and by when they were opened', async () => {
      const [first, second, third] = own.map(({ session_id }) => session_id);
      const { sessions } = db.repo.history;
      expect(ids(await sessions(mine, everything))).toEqual([third, second, first]);
      expect(ids(await sessions(mine, { ...everything, robotId: 'arm-1' }))).toEqual([third, first]);
      expect(ids(await sessions(mine, { ...everything, active: true }))).toEqual([third]);
      expect(ids(await sessions(mine, { ...everything, active: false }))).toEqual([second, first]);
      const second_day = { from: new Date(at(2)), until: new Date(at(3)) };
      expect(ids(await sessions(mine, { ...everything, ...second_day }))).toEqual([second]);
    });

    test('a page has its rows and says how many there are', async () => {
      const page = await db.repo.history.sessions(mine, { limit: 2, offset: 2 });
      expect([page.rows.length, page.total]).toEqual([1, 3]);
    });

    test('one session comes with its episodes, oldest first', async () => {
      const found = await db.repo.history.session(mine, session);
      expect(found?.session).toMatchObject({ session_id: session, closed_at: null });
      expect(found?.episodes.map(({ episode }) => episode)).toEqual([0, 1]);
      expect(found?.episodeCount).toBe(2);
    });

    test('inferences come newest first, filtered by session and by robot', async () => {
      const { logs } = db.repo.history;
      const all = await logs(mine, everything);
      expect(all.rows.map(({ log_id }) => log_id)).toEqual([...others.map((row) => row.log_id).reverse(), log.log_id]);
      expect(all.total).toBe(3);
      expect((await logs(mine, { ...everything, sessionId: session })).rows).toMatchObject([{ log_id: log.log_id }]);
      expect((await logs(mine, { ...everything, robotId: 'arm-9' })).total).toBe(2);
    });

    test('one inference comes whole', async () => {
      const found = await db.repo.history.log(mine, log.log_id, new Date(log.timestamp));
      expect(found).toMatchObject({ log_id: log.log_id, action_vector: log.action_vector, chunk_steps: 2 });
    });

    test('what is another customer’s is not there', async () => {
      const { history } = db.repo;
      expect(await history.session(mine, foreign.session_id)).toBeNull();
      expect(await history.log(mine, foreignLog.log_id, new Date(foreignLog.timestamp))).toBeNull();
      expect((await history.logs(mine, { ...everything, sessionId: foreignLog.session_id ?? '' })).rows).toEqual([]);
      expect((await history.sessions(theirs, everything)).rows).toMatchObject([{ session_id: foreign.session_id }]);
    });
  });
}
