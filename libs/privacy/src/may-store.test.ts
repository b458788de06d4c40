import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Consent, consentOf, type KnownConsent } from './consent.js';
import { consentInForce, mayStore, STORED_KINDS, type StoredKind } from './may-store.js';
import { CONSENT_TIERS, permissionsOf, TIER_PERMISSIONS } from './tiers.js';

const NOW = Date.parse('2026-11-06T10:00:00Z');
const DAY = 86_400_000;

const research: Consent = {
  tier: 'research',
  version: 3,
  consented_at_ms: NOW - DAY,
  expires_at_ms: NOW + DAY,
  ...TIER_PERMISSIONS.research,
};
const allowed = (consent: KnownConsent, nowMs = NOW): StoredKind[] =>
  STORED_KINDS.filter((kind) => mayStore(consent, kind, nowMs));

describe('what a consent allows', () => {
  test.each([
    ['none', []],
    ['basic', []],
    ['analytics', ['embedding']],
    ['research', ['image', 'embedding', 'training', 'instruction_text', 'free_text']],
  ] as const)('the tier %s allows %j', (tier, kinds) => {
    expect(allowed({ ...research, tier, ...TIER_PERMISSIONS[tier] })).toEqual(kinds);
  });

  test('no consent, and one that cannot be told, allow nothing', () => {
    expect(allowed(null)).toEqual([]);
    expect(allowed('unknown')).toEqual([]);
  });

  test('it ends with the millisecond of its expiry, and never without one', () => {
    const end = research.expires_at_ms ?? 0;
    expect(allowed(research, end - 1)).not.toEqual([]);
    expect(allowed(research, end)).toEqual([]);
    expect(allowed({ ...research, expires_at_ms: null }, end + 1_000 * DAY)).not.toEqual([]);
  });

  test('one from the future allows nothing yet', () => {
    expect(allowed(research, research.consented_at_ms - 1)).toEqual([]);
    expect(allowed(research, research.consented_at_ms)).not.toEqual([]);
  });

  test('text that is anonymised in full is scrubbed in the research tier too', () => {
    expect(allowed({ ...research, anonymization_level: 'full' })).toEqual(['image', 'embedding', 'training']);
  });

  test('a time that is no number allows nothing', () => {
    for (const nowMs of [Number.NaN, Number.NEGATIVE_INFINITY]) expect(allowed(research, nowMs)).toEqual([]);
    expect(allowed({ ...research, expires_at_ms: Number.NaN })).toEqual([]);
    expect(allowed({ ...research, consented_at_ms: Number.NaN })).toEqual([]);
  });
});

const anything: fc.Arbitrary<unknown> = fc.anything({ withDate: true, withNullPrototype: true, withBigInt: true });
/** Of eight fields that are each wrong half the time hardly a row would ever be right. */
const mostly = <T, U>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: wrong });
const tier = mostly(
  fc.constantFrom(...CONSENT_TIERS),
  fc.oneof(fc.constantFrom('premium', 'constructor', '__proto__', ''), anything),
);
const flag = mostly(fc.boolean(), anything);
const near = fc.integer({ min: NOW - 2 * DAY, max: NOW + 2 * DAY });
const time = mostly(
  fc.oneof(
    near,
    near.map((ms) => new Date(ms)),
    near.map((ms) => new Date(ms).toISOString()),
    fc.constant(null),
  ),
  fc.oneof(fc.date({ noInvalidDate: false }), anything),
);
/** Rows as they should be, as a later release might write them, and as nothing should. */
const row = fc.record(
  {
    consent_tier: tier,
    consent_version: mostly(fc.integer({ min: -1, max: 5 }), anything),
    consented_at: time,
    expires_at: time,
    can_store_images: flag,
    can_store_embeddings: flag,
    can_use_for_training: flag,
    anonymization_level: mostly(fc.constantFrom('partial', 'full', 'maximum'), anything),
  },
  { requiredKeys: [] },
);
/** Found once: a number that is no date counted as long ago. */
const BEFORE_TIME = {
  consent_tier: 'analytics',
  consent_version: 1,
  consented_at: -8_640_000_000_000_001,
  expires_at: null,
  can_store_images: false,
  can_store_embeddings: true,
  can_use_for_training: false,
  anonymization_level: 'partial',
};
const moment = mostly(near, fc.double());

const RIGHTS = {
  image: ['can_store_images', ['research']],
  embedding: ['can_store_embeddings', ['analytics', 'research']],
  training: ['can_use_for_training', ['research']],
  instruction_text: [null, ['research']],
  free_text: [null, ['research']],
} as const;

/** What must be true of a row for a yes, said independently of how it is decided. */
function deserves(given: Record<string, unknown>, kind: StoredKind, nowMs: number): boolean {
  const [permission, tiers] = RIGHTS[kind];
  const ms = (value: unknown): number => new Date(value as string).getTime();
  return (
    (tiers as readonly unknown[]).includes(given.consent_tier) &&
    (permission === null ? given.anonymization_level === 'partial' : given[permission] === true) &&
    ['partial', 'full'].includes(given.anonymization_level as string) &&
    Number.isInteger(given.consent_version) &&
    (given.consent_version as number) >= 1 &&
    ms(given.consented_at) <= nowMs &&
    (given.expires_at === null || nowMs < ms(given.expires_at))
  );
}

describe('the decision fails closed', () => {
  test('over arbitrary rows it never throws, and a yes is deserved by every field', () => {
    let yes = 0;
    fc.assert(
      fc.property(mostly(row, anything), moment, (given, nowMs) => {
        const consent = consentOf(given);
        for (const kind of STORED_KINDS) {
          if (!mayStore(consent, kind, nowMs)) continue;
          yes++;
          expect(deserves(given as Record<string, unknown>, kind, nowMs)).toBe(true);
        }
      }),
      { numRuns: 20_000, examples: [[BEFORE_TIME, NOW]] },
    );
    // A property that never sees a yes would prove nothing.
    expect(yes).toBeGreaterThan(100);
  });

  test('what did not come through the reader is refused as well', () => {
    fc.assert(
      fc.property(anything, moment, fc.oneof(fc.constantFrom(...STORED_KINDS), fc.string()), (given, nowMs, kind) => {
        const looksRight =
          typeof given === 'object' && given !== null && (given as Partial<Consent>).tier === 'research';
        fc.pre(!looksRight);
        expect(mayStore(given as KnownConsent, kind as StoredKind, nowMs)).toBe(false);
      }),
    );
    expect(mayStore(research, 'gossip' as StoredKind, NOW)).toBe(false);
  });

  test('a permission never widens its tier: no row allows more than the tier alone', () => {
    const flags = fc.record({
      can_store_images: fc.boolean(),
      can_store_embeddings: fc.boolean(),
      can_use_for_training: fc.boolean(),
      anonymization_level: fc.constantFrom('partial', 'full'),
    });
    fc.assert(
      fc.property(fc.constantFrom(...CONSENT_TIERS), flags, (name, permissions) => {
        const most = allowed({ ...research, tier: name, ...TIER_PERMISSIONS[name] });
        for (const kind of allowed({ ...research, tier: name, ...permissions } as Consent))
          expect(most).toContain(kind);
      }),
    );
  });

  test('a row that its reader takes gives back what it said', () => {
    const given = {
      consent_tier: 'research',
      consent_version: 3,
      consented_at: new Date(NOW - DAY),
      expires_at: new Date(NOW + DAY).toISOString(),
      ...TIER_PERMISSIONS.research,
    };
    expect(consentOf(given)).toEqual(research);
    expect(consentOf({ ...given, consent_tier: 'premium' })).toBe('unknown');
    expect(consentOf({ ...given, expires_at: 'soon' })).toBe('unknown');
    expect(consentOf({ ...given, expires_at: undefined })).toBe('unknown');
    expect(consentOf(null)).toBe(null);
    expect(consentOf(undefined)).toBe('unknown');
  });
});

describe('asking for permissions', () => {
  test('a tier gives all it has, and less where asked', () => {
    expect(permissionsOf('research')).toEqual({ ok: true, permissions: TIER_PERMISSIONS.research });
    expect(permissionsOf('research', { can_use_for_training: false, anonymization_level: 'full' })).toEqual({
      ok: true,
      permissions: { ...TIER_PERMISSIONS.research, can_use_for_training: false, anonymization_level: 'full' },
    });
    expect(permissionsOf('none', { can_store_images: false })).toEqual({
      ok: true,
      permissions: TIER_PERMISSIONS.none,
    });
  });

  test.each([
    ['analytics', 'can_store_images', true],
    ['none', 'can_store_embeddings', true],
    ['basic', 'can_use_for_training', true],
    ['analytics', 'anonymization_level', 'partial'],
  ] as const)('the tier %s is not widened by %s', (name, field, value) => {
    expect(permissionsOf(name, { [field]: value })).toMatchObject({ ok: false, field });
  });
});

test('a record names the tier that counts: none once it is over', () => {
  expect(consentInForce(null, NOW)).toEqual({ tier: 'none', version: 0 });
  expect(consentInForce('unknown', NOW)).toEqual({ tier: 'unknown', version: null });
  expect(consentInForce(research, NOW)).toEqual({ tier: 'research', version: 3 });
  expect(consentInForce(research, NOW + DAY)).toEqual({ tier: 'none', version: 3 });
  expect(consentInForce(research, NOW - 2 * DAY)).toEqual({ tier: 'none', version: 3 });
});
