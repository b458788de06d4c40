import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  CLOSE_CODES,
  clientSchemas,
  ERRORS,
  HOLD_PRIORITY,
  PROTOCOL_REVISION,
  serverSchemas,
  WIRE_LIMITS,
} from './index.js';

// What both ends must agree on, as one hash. When this fails, the wire has changed: decide whether old clients still
// work. If they do, raise PROTOCOL_REVISION and add its hash here; if not, it is a new subprotocol.
const HASHES: Readonly<Record<number, string>> = {
  1: '5513868fb6c2ff9d',
  2: '02464d10c14c745d',
  3: '648ca38280d1bef9',
  4: 'ff0206f5309b7b0a',
  5: '118f9e8138ffc7c5',
};

it('the schemas of the wire are those of the revision that the code declares', () => {
  const schemas = Object.entries({ ...clientSchemas, ...serverSchemas }).map(([type, schema]) => [
    type,
    z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }),
  ]);
  const errors = Object.entries(ERRORS).map(([code, { fatal, http, close }]) => [code, fatal, http, close]);
  const wire = { schemas, errors, closeCodes: Object.keys(CLOSE_CODES), holds: HOLD_PRIORITY, limits: WIRE_LIMITS };
  const hash = createHash('sha256').update(JSON.stringify(wire)).digest('hex').slice(0, 16);
  expect(hash).toBe(HASHES[PROTOCOL_REVISION]);
});
