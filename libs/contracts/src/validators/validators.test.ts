import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CASES } from '../testing/validator-cases.js';
import { validatorsMarkdown } from './markdown.js';
import { findValidator, MALFORMED, VALIDATORS, validatorOf } from './table.js';
import { QUALITY_GATES } from './validator.js';

/** What is decided where this package cannot look is tested in the gateway, where they meet. */
const HERE = /^(contracts|protocol): /;
const decidedHere = VALIDATORS.filter(({ by }) => HERE.test(by));

test('each rule that is decided here has cases, and no case is left over', () => {
  expect(Object.keys(CASES).sort()).toEqual(decidedHere.map(({ id }) => id).sort());
});

describe.each(Object.entries(CASES))('%s', (id, { accepts, check, refuses }) => {
  test('lets something pass', () => {
    expect(accepts.length).toBeGreaterThan(0);
    for (const input of accepts) expect(check(input), JSON.stringify(input)).toBeNull();
  });

  test('refuses something, by this rule', () => {
    expect(refuses.length).toBeGreaterThan(0);
    for (const input of refuses) expect(check(input), JSON.stringify(input)).toBe(id);
  });
});

test('there are at least 37 rules, each once, and every gate has some', () => {
  expect(VALIDATORS.length).toBeGreaterThanOrEqual(37);
  expect(new Set(VALIDATORS.map(({ id }) => id)).size).toBe(VALIDATORS.length);
  for (const gate of QUALITY_GATES)
    expect(
      VALIDATORS.some((validator) => validator.gate === gate),
      gate,
    ).toBe(true);
});

test('fields and reasons are words that fit a label', () => {
  for (const { field, reason } of VALIDATORS) {
    expect(field).toMatch(/^[a-z][a-z0-9_]{0,30}$/);
    expect(reason).toMatch(/^[a-z][a-z0-9_]{0,30}$/);
  }
});

test.each([
  [{ rule: 'image.wrong_size', field: 'images.main' }, 'image.wrong_size'],
  [{ field: 'environment.workspace.min.0' }, 'workspace.misordered'],
  [{ field: 'robot_config.workspace' }, 'workspace.misordered'],
  [{ field: 'images.a camera of the client’s choice' }, 'image.malformed'],
  [{ field: 'request_id' }, 'request_id.malformed'],
  [{ field: 'whatever the client says' }, 'message.malformed'],
  [{ field: '__proto__' }, 'message.malformed'],
  [{ rule: 'no.such.rule', field: 'state' }, 'message.malformed'],
  [{}, 'message.malformed'],
])('a fault is counted under a rule of the table: %j', (fault, id) => {
  expect(validatorOf(fault)).toBe(findValidator(id) ?? MALFORMED);
  expect(validatorOf(fault).id).toBe(id);
});

test('VALIDATORS.md is the table (else: npm run docs)', () => {
  expect(readFileSync(new URL('../../VALIDATORS.md', import.meta.url), 'utf8')).toBe(validatorsMarkdown());
});
