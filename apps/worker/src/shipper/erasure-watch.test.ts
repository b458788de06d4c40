import type { ErasureRow, Erasures } from '@sinew/db';
import { expect, it } from 'vitest';
import { ErasureWatch } from './erasure-watch.js';

const row = { erasure_id: 'e' } as ErasureRow;

function world() {
  const state = { now: 0, rows: [row], can: true, header: null as { journal_id: string; node: number } | null };
  const said: unknown[][] = [];
  const erasures = {
    sawJournal: async (...all: unknown[]) => void said.push(['saw', ...all]),
    toDo: async (part: string) => {
      said.push(['asked', part]);
      return state.rows;
    },
    report: async (...all: unknown[]) => void said.push(['done', ...all.slice(0, 2)]),
  } as unknown as Erasures;
  const watch = new ErasureWatch({
    header: () => state.header,
    erasures: (work) => work(erasures),
    forget: async () => state.can,
    now: () => state.now,
  });
  return { state, said, watch };
}

it('says that it is there, and reports its part when the checkpoint is clean', async () => {
  const { said, state, watch } = world();
  await watch.look();
  expect(said).toEqual([]);
  state.header = { journal_id: 'j', node: 2 };
  state.can = false;
  await watch.look();
  expect(said).toEqual([
    ['saw', 'j', 2, true],
    ['asked', 'shipper:j'],
  ]);
  state.can = true;
  await watch.look();
  expect(said).toHaveLength(2);
  state.now += 1_000;
  await watch.look();
  expect(said.slice(2)).toEqual([
    ['asked', 'shipper:j'],
    ['done', 'e', 'shipper:j'],
  ]);
});
