import { expect, test } from 'vitest';
import { Latencies } from '../stats/latencies.js';
import { TickLedger } from './tick-ledger.js';

test('lateness counts from the earliest schedule that fits, gaps are missed ticks', () => {
  const ledger = new TickLedger(10);
  ledger.add(5, 1_502);
  ledger.add(6, 1_600);
  ledger.add(9, 1_905);
  ledger.add(10, 2_001);
  expect(ledger.received).toBe(4);
  expect(ledger.missed).toBe(2);
  expect(ledger.originMs).toBe(1_000);
  expect([0, 1, 2, 3].map((i) => ledger.latenessMs(i))).toEqual([2, 0, 5, 1]);
  const latencies = new Latencies();
  ledger.recordLateness(latencies);
  expect(latencies.summary()).toMatchObject({ count: 4, max: 5 });
});

test('ticks before the first that was received are not missed', () => {
  const ledger = new TickLedger(20);
  ledger.add(100, 0);
  expect(ledger.missed).toBe(0);
});

test('ticks that were due and have not come are overdue, also where nothing follows that would show the gap', () => {
  const ledger = new TickLedger(10);
  ledger.add(5, 1_500);
  ledger.add(6, 1_600);
  expect(ledger.overdue(1_650)).toBe(0);
  expect(ledger.overdue(1_700)).toBe(1);
  expect(ledger.overdue(2_150)).toBe(5);
});
