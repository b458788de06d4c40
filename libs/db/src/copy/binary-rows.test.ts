import { expect, test } from 'vitest';
import { BinaryRows, type ColumnType, Unencodable } from './binary-rows.js';

// Against the format's own description, byte by byte; that a server reads it so, `*.pg.test.ts` shows.
const field = (type: ColumnType, value: unknown): string => {
  const rows = new BinaryRows();
  rows.column(type, value);
  return rows.borrow().subarray(19).toString('hex');
};

test('signature, rows with their number of columns, trailer', () => {
  const rows = new BinaryRows();
  rows.row(1);
  rows.column('integer', 7);
  rows.row(1);
  rows.column('integer', null);
  rows.end();
  expect(rows.borrow().toString('latin1')).toBe(
    `PGCOPY\n\xff\r\n\0${'\0'.repeat(8)}\0\x01\0\0\0\x04\0\0\0\x07\0\x01\xff\xff\xff\xff\xff\xff`,
  );
});

test.each<[ColumnType, unknown, string]>([
  ['bigint', 2 ** 40 + 5, '00000008' + '0000010000000005'],
  ['bigint', -1, '00000008' + 'ffffffffffffffff'],
  ['bigint', -(2 ** 33) - 1, '00000008' + 'fffffffdffffffff'],
  ['integer', -2, '00000004' + 'fffffffe'],
  ['double', 1.5, '00000008' + '3ff8000000000000'],
  ['double', Number.NaN, 'ffffffff'],
  ['text', 'a\0b🥣', '00000006' + '6162f09fa5a3'],
  ['text', '', '00000000'],
  ['jsonb', ['x\0'], '00000006' + '01' + '5b2278225d'],
  ['bytea', Uint8Array.of(0, 255), '00000002' + '00ff'],
  ['uuid', '01900000-0000-7000-8000-0000000000A1', '00000010' + '019000000000700080000000000000a1'],
  ['timestamptz', '2000-01-01T00:00:00.001Z', '00000008' + '00000000000003e8'],
  ['timestamptz', '1999-12-31T23:59:59.999Z', '00000008' + 'fffffffffffffc18'],
  ['integer[]', [], '0000000c' + '00000000' + '00000000' + '00000017'],
  [
    'integer[]',
    [3],
    '0000001c' + '00000001' + '00000000' + '00000017' + '00000001' + '00000001' + '00000004' + '00000003',
  ],
  [
    'double[]',
    [Number.POSITIVE_INFINITY],
    '00000018' + '00000001' + '00000001' + '000002bd' + '00000001' + '00000001' + 'ffffffff',
  ],
])('%s %j', (type, value, hex) => {
  expect(field(type, value)).toBe(hex);
});

test.each<[ColumnType, unknown]>([
  ['bigint', 1.5],
  ['bigint', 2 ** 53],
  ['integer', 2 ** 31],
  ['integer', '7'],
  ['uuid', 'arm-1'],
  ['uuid', '01900000-0000-7000-8000-0000000000A1 '],
  ['uuid', '01900000-0000-7000-8000-0000000000g1'],
  ['uuid', '01900000-0000-7000-8000-00000000001g'],
  ['uuid', '01900000+0000-7000-8000-0000000000a1'],
  ['timestamptz', 'yesterday'],
  ['text', '\ud800'],
  ['text', 5],
  ['double[]', [1, null]],
  ['bytea', [1]],
])('%s %j is left to the database', (type, value) => {
  expect(() => field(type, value)).toThrow(Unencodable);
});

test('rows beyond the first buffer are all there', () => {
  const rows = new BinaryRows();
  const text = 'x'.repeat(100_000);
  for (let n = 0; n < 9; n++) {
    rows.row(2);
    rows.column('text', text);
    rows.column('integer', n);
  }
  rows.end();
  const bytes = rows.borrow();
  expect(bytes.length).toBe(19 + 9 * (2 + 4 + text.length + 8) + 2);
  expect(bytes.readInt32BE(bytes.length - 6)).toBe(8);
});

test('what was borrowed is not there again', () => {
  const rows = new BinaryRows();
  rows.column('integer', 1);
  expect(rows.borrow().length).toBe(19 + 8);
  rows.column('integer', 2);
  expect(rows.borrow().toString('hex')).toBe('0000000400000002');
});

test('a column that says the same as in the row before is written again, whatever stood between and however the buffer grew', () => {
  const columns: [ColumnType, unknown][][] = [
    [
      ['text', 'arm-1'],
      ['uuid', '01900000-0000-7000-8000-0000000000a1'],
      ['jsonb', 'arm-1'],
    ],
    [
      ['text', 'arm-1'],
      ['uuid', '01900000-0000-7000-8000-0000000000a1'],
      ['text', 'arm-1'],
    ],
    [
      ['text', null],
      ['uuid', '01900000-0000-7000-8000-0000000000a2'],
      ['text', 'x'.repeat(400_000)],
    ],
    [
      ['text', 'arm-1'],
      ['uuid', '01900000-0000-7000-8000-0000000000a2'],
      ['text', 'x'.repeat(400_000)],
    ],
  ];
  const together = new BinaryRows();
  const apart: string[] = [];
  for (const row of columns) {
    together.row(row.length);
    const alone = new BinaryRows();
    alone.row(row.length);
    for (const [type, value] of row) {
      together.column(type, value);
      alone.column(type, value);
    }
    apart.push(alone.borrow().subarray(19).toString('hex'));
  }
  expect(together.borrow().subarray(19).toString('hex')).toBe(apart.join(''));
  // What was lent is not copied from.
  together.row(1);
  together.column('text', 'arm-1');
  expect(together.borrow().toString('hex')).toBe('0001000000056172' + '6d2d31');
});
