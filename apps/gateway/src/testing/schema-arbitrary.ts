import type { JsonSchema } from '@sinew/contracts';
import fc from 'fast-check';

const LONGEST = 40;

/** Values that fit a JSON schema, as far as this knows the keywords that the contracts use. */
export function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) return fc.oneof(...(options as JsonSchema[]).map(valid));
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
      return fc.integer(integerRange(schema));
    case 'number':
      return fc.double({ ...range(schema), noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return list(schema);
    case 'object':
      return object(schema);
    default:
      return fc.jsonValue();
  }
}

function text(schema: JsonSchema): fc.Arbitrary<string> {
  if (schema.format === 'uuid' || schema.format === 'guid') return fc.uuid();
  if (schema.format === 'date-time')
    return atTheEdges(
      moment.map((date) => date.toISOString()),
      MOMENTS_AT_THE_EDGES,
    );
  if (schema.format === 'date')
    return atTheEdges(
      moment.map((date) => date.toISOString().slice(0, 10)),
      DAYS_AT_THE_EDGES,
    );
  if (typeof schema.pattern === 'string') {
    try {
      return fc.stringMatching(new RegExp(schema.pattern), { size: 'small' });
    } catch {
      // A pattern beyond what can be generated: anything, then.
    }
  }
  const minLength = number(schema.minLength) ?? 0;
  const maxLength = Math.max(minLength, Math.min(number(schema.maxLength) ?? LONGEST, LONGEST));
  return fc.string({ unit: 'grapheme', minLength, maxLength });
}

/** Of a year that no database has, or by the offset of the year 10000. */
const MOMENTS_AT_THE_EDGES = ['0000-01-01T00:00:00+23:59', '9999-12-31T23:59:59.999-23:59'];
const DAYS_AT_THE_EDGES = ['0000-01-01', '9999-12-31'];
const atTheEdges = (texts: fc.Arbitrary<string>, edges: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: texts, weight: 5 }, { arbitrary: fc.constantFrom(...edges), weight: 1 });

const moment = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });

function list(schema: JsonSchema): fc.Arbitrary<unknown[]> {
  if (Array.isArray(schema.prefixItems)) return fc.tuple(...(schema.prefixItems as JsonSchema[]).map(valid));
  const minLength = number(schema.minItems) ?? 0;
  const maxLength = Math.max(minLength, Math.min(number(schema.maxItems) ?? 8, 8));
  return fc.array(valid((schema.items ?? {}) as JsonSchema), { minLength, maxLength });
}

function object(schema: JsonSchema): fc.Arbitrary<Record<string, unknown>> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  const requiredKeys = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const model = Object.fromEntries(properties.map(([name, each]) => [name, valid(each)]));
  return fc.record(model, { requiredKeys }) as fc.Arbitrary<Record<string, unknown>>;
}

function range(schema: JsonSchema): { min?: number; max?: number } {
  const min = number(schema.minimum) ?? number(schema.exclusiveMinimum);
  const max = number(schema.maximum) ?? number(schema.exclusiveMaximum);
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function integerRange(schema: JsonSchema): { min?: number; max?: number } {
  const { max, min } = range(schema);
  const limit = 2 ** 31 - 1;
  return {
    ...(min === undefined ? {} : { min: Math.max(min, -limit) }),
    ...(max === undefined ? {} : { max: Math.min(max, limit) }),
  };
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** What fits nothing, or nearly: the ends of types, and what databases and parsers choke on. */
export const ODD: readonly unknown[] = [
  null,
  true,
  '',
  ' ',
  0,
  -1,
  1e308,
  -1e308,
  0.1,
  2 ** 53,
  -(2 ** 53),
  2 ** 31,
  '\u0000',
  '\ud800',
  '\u202e',
  'x'.repeat(5_000),
  "'; DROP TABLE vlaapi.feedback; --",
  '%00',
  '../../etc/passwd',
  '0000-00-00',
  '9999-12-31T23:59:60Z',
  '+275760-09-13T00:00:00Z',
  '-1',
  '9007199254740993',
  'NaN',
  [],
  {},
  [[]],
  { toString: 1 },
];

/** A value with one place of it spoilt: taken away, replaced, or with something beside it that does not belong. */
export function nearly(from: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const how = fc.constantFrom('remove', 'replace', 'add', 'wrap' as const);
  return fc
    .tuple(from, fc.nat(), how, fc.constantFrom(...ODD))
    .map(([value, at, change, odd]) => spoilt(value, at, change, odd));
}

function spoilt(value: unknown, at: number, change: string, odd: unknown): unknown {
  if (change === 'wrap') return [value];
  if (typeof value !== 'object' || value === null) return odd;
  const names = Object.keys(value);
  const name = names[at % Math.max(1, names.length)];
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  if (change === 'add' || name === undefined) copy[`extra_${at % 10}`] = odd;
  else if (change === 'remove') delete copy[name];
  else {
    const inner = copy[name];
    const deeper = typeof inner === 'object' && inner !== null && at % 3 > 0;
    copy[name] = deeper ? spoilt(inner, Math.floor(at / 3), change, odd) : odd;
  }
  return copy;
}

/** Bodies that no schema made. */
export const garbageBody: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.json({ maxDepth: 4 }),
  fc.constantFrom(
    '',
    '{',
    'null',
    '[]',
    '""',
    '{"a":NaN}',
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{}}}',
    `${'['.repeat(20_000)}`,
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
    `{"a":"${'\\u0000'.repeat(10)}"}`,
    '\ufeff{}',
    '{"a":1,"a":2}',
    'a=b&c=d',
  ),
);
