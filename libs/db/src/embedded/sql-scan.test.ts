import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listenAction, refusedStatement, scanStatements } from './sql-scan.js';

const words = (sql: string) => scanStatements(sql).map((statement) => statement.words);
const refused = (sql: string) => scanStatements(sql).some((statement) => refusedStatement(statement) !== null);

describe('scanning SQL', () => {
  test.each([
    [
      'select 1; ; select 2;',
      [
        ['SELECT', '1'],
        ['SELECT', '2'],
      ],
    ],
    ['-- copy\n/* copy /* nested */ ; */ select 1', [['SELECT', '1']]],
    ["select ';copy' , E'it\\'s; copy', \"a;b\"", [['SELECT', "''", ',', "''", ',', '"a;b"']]],
    [
      'do $$ copy; $$; do $x$ $$ ; $x$',
      [
        ['DO', "''"],
        ['DO', "''"],
      ],
    ],
    ['select $1, $2', [['SELECT', '$', '1', ',', '$', '2']]],
    ['', []],
    ['/* never closed', []],
    ["select 'never closed; copy t from stdin", [['SELECT', "''"]]],
  ])('%j', (sql, expected) => {
    expect(words(sql)).toEqual(expected);
  });

  test('ends on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("'", '"', '$', '/*', '*/', '--', '\n', ';', 'E', 'copy ', '\\', 'a') }),
        (sql) => {
          expect(scanStatements(sql).length).toBeLessThanOrEqual(sql.length);
        },
      ),
    );
  });
});

describe('what the shared session cannot serve', () => {
  test.each([
    'COPY t FROM STDIN',
    'copy (select 1) to stdout',
    'select 1; /* x */ CoPy t TO STDOUT',
    'begin;copy t from stdin',
    'PREPARE a AS SELECT 1',
    'DEALLOCATE ALL',
    'DISCARD ALL',
  ])('%j is refused', (sql) => {
    expect(refused(sql)).toBe(true);
  });

  test.each([
    "select 'copy t from stdin'",
    'select copy from copies',
    'insert into t select 1 -- copy',
    'create table copy (a int)',
    'execute a',
  ])('%j is not', (sql) => {
    expect(refused(sql)).toBe(false);
  });
});

test.each([
  ['LISTEN jobs', { kind: 'listen', channel: 'jobs' }],
  ['listen Jobs', { kind: 'listen', channel: 'jobs' }],
  ['LISTEN "bull:Jobs""x"', { kind: 'listen', channel: 'bull:Jobs"x' }],
  ['UNLISTEN jobs', { kind: 'unlisten', channel: 'jobs' }],
  ['UNLISTEN *', { kind: 'unlisten_all' }],
  ['NOTIFY jobs', null],
  ["SELECT 'LISTEN jobs'", null],
])('%j subscribes as %j', (sql, action) => {
  expect(scanStatements(sql).map(listenAction)).toEqual([action]);
});
