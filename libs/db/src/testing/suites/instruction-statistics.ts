import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { instructionHash } from '../../instruction-hash.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { episodeRow, inferenceRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

export function registerInstructionStatisticsTests(db: TestedDatabase): void {
  describe('instruction statistics', () => {
    const hour = new Date('2026-09-05T07:00:00Z');
    const at = (minute: number) => new Date(hour.getTime() + minute * 60_000).toISOString();
    const instruction = `stack the cups ${randomUUID()}`;
    const hash = instructionHash(instruction);
    const analytics = async () => {
      const { rows } = await db.pool.query(
        `SELECT instruction_category, total_uses, success_rate, avg_safety_score, common_robots, avg_latency_ms, first_seen,
           last_seen FROM vlaapi.instruction_analytics WHERE instruction_hash = $1`,
        [hash],
      );
      return rows;
    };

    test('an hour computed twice, and again after more rows, equals one computation of all', async () => {
      const row = (minute: number, overrides: Parameters<typeof inferenceRow>[0]) =>
        inferenceRow({ instruction, instruction_category: 'stack', timestamp: at(minute), ...overrides });
      await db.repo.shipping.store({
        ...EMPTY_BATCH,
        episodes: [
          episodeRow({ instruction, ended_at: at(10), success: true }),
          episodeRow({ instruction, ended_at: at(11), success: false }),
          episodeRow({ instruction, ended_at: at(12), success: null }),
          episodeRow({ instruction, ended_at: at(70), success: true }),
        ],
        inferences: [
          row(1, { inference_latency_ms: 10, safety_score: 1, robot_type: 'ur5e' }),
          row(2, { inference_latency_ms: 30, safety_score: 0.5 }),
          row(3, { inference_latency_ms: 9_999, safety_score: null, status: 'error' }),
        ],
      });
      await db.repo.instructions.recomputeHour(hour);
      const once = await analytics();
      expect(once).toEqual([
        {
          instruction_category: 'stack',
          total_uses: 3,
          success_rate: 0.5,
          avg_safety_score: 0.75,
          common_robots: ['franka_panda', 'ur5e'],
          avg_latency_ms: 20,
          first_seen: new Date(at(1)),
          last_seen: new Date(at(12 - 1)),
        },
      ]);
      await Promise.all([db.repo.instructions.recomputeHour(hour), db.repo.instructions.recomputeHour(hour)]);
      expect(await analytics()).toEqual(once);

      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [row(65, { inference_latency_ms: 50 })] });
      await db.repo.instructions.recomputeHour(new Date(at(65)));
      expect(await analytics()).toMatchObject([{ total_uses: 4, avg_latency_ms: 30, last_seen: new Date(at(70)) }]);
      expect((await analytics())[0].success_rate).toBeCloseTo(2 / 3);
    });

    test('what was counted stays counted after retention dropped the rows', async () => {
      const before = await analytics();
      await db.pool.query('DELETE FROM vlaapi.inference_logs WHERE instruction_hash = $1', [hash]);
      await db.pool.query('DELETE FROM vlaapi.episodes WHERE instruction_hash = $1', [hash]);
      await db.repo.instructions.recomputeHour(hour);
      expect(await analytics()).toEqual(before);
    });
  });
}
