import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { gatewayNodes } from '../../gateway-nodes.js';
import type { TestedDatabase } from './tested-database.js';

const MINUTE = 60_000;

export function registerGatewayNodeTests(db: TestedDatabase): void {
  describe('node numbers', () => {
    beforeEach(async () => {
      await db.pool.query('DELETE FROM vlaapi.gateway_nodes');
    });
    const pass = (ms: number) =>
      db.pool.query("UPDATE vlaapi.gateway_nodes SET free_from = free_from - $1 * interval '1 ms'", [ms]);

    test('every gateway gets one of its own, up to 64 of them, however many ask at once', async () => {
      const nodes = gatewayNodes(db.pool);
      const taken = await Promise.all(Array.from({ length: 64 }, () => nodes.take(randomUUID(), MINUTE)));
      expect(taken.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 64 }, (_, n) => n));
      expect(await nodes.take(randomUUID(), MINUTE)).toBeNull();
    });

    test('a number is another’s only once its time is over, and renewing puts that off', async () => {
      const nodes = gatewayNodes(db.pool);
      const [first, second] = [randomUUID(), randomUUID()];
      expect(await nodes.take(first, MINUTE)).toBe(0);
      await pass(MINUTE - 10_000);
      expect(await nodes.renew(0, first, MINUTE)).toBe(true);
      await pass(MINUTE - 10_000);
      expect(await nodes.take(second, MINUTE)).toBe(1);
      await pass(20_000);
      expect(await nodes.take(second, MINUTE)).toBe(0);
      expect(await nodes.renew(0, first, MINUTE)).toBe(false);
      await nodes.release(0, first, 0);
      expect(await nodes.renew(0, second, MINUTE)).toBe(true);
    });

    test('one that is given back is free a little later', async () => {
      const nodes = gatewayNodes(db.pool);
      const holder = randomUUID();
      await nodes.take(holder, 10 * MINUTE);
      await nodes.release(0, holder, MINUTE);
      expect(await nodes.take(randomUUID(), MINUTE)).toBe(1);
      await pass(MINUTE);
      expect(await nodes.take(randomUUID(), MINUTE)).toBe(0);
    });
  });
}
