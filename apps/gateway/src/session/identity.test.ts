import { validate, version } from 'uuid';
import { expect, test } from 'vitest';
import { newRequestId } from './identity.js';

test('request ids are UUIDs of version 7, none twice, and later ones sort behind earlier ones by their time', () => {
  const ids = Array.from({ length: 2_000 }, newRequestId);
  for (const id of ids) expect([validate(id), version(id)]).toEqual([true, 7]);
  expect(new Set(ids).size).toBe(ids.length);
  const times = ids.map((id) => id.slice(0, 13));
  expect(times).toEqual([...times].sort());
});
