// Journals in which every customer's every field can be searched for.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CUSTOMER, inference, SESSION } from './fixtures.js';
import type { EventRecord, InferenceRecord, JournalRecord, SessionRecord, TicksRecord } from './records.js';

export const OTHER = '01980000-0000-7000-8000-0000000000ff';
/** Unix milliseconds of `inference(1)`'s kind of records. */
export const T_MS = 1_800_000_000_000;

const WORDS: Readonly<Record<string, string>> = { [CUSTOMER]: 'CanaryOfMine', [OTHER]: 'WordOfTheOther' };
const NUMBERS: Readonly<Record<string, number>> = { [CUSTOMER]: 1.2345678901234567, [OTHER]: 7.654321098765432 };

const wordOf = (customer: string): string => WORDS[customer] ?? '';
const numberOf = (customer: string): number => NUMBERS[customer] ?? 0;

/** The bytes that stand for a customer in text, in msgpack numbers and in binary columns. */
export function canariesOf(customer: string): Buffer[] {
  const number = numberOf(customer);
  const msgpack = Buffer.alloc(8);
  msgpack.writeDoubleBE(number);
  const column = Buffer.alloc(8);
  column.writeDoubleLE(number);
  const single = Buffer.alloc(4);
  single.writeFloatLE(number);
  return [Buffer.from(wordOf(customer)), msgpack, column, single];
}

const doubles = (customer: string, count: number): Uint8Array =>
  new Uint8Array(new Float64Array(count).fill(numberOf(customer)).buffer);

const common = (customer_id: string, t_ms: number) =>
  ({ v: 1, log_id: null, t_ms, session_id: SESSION, customer_id }) as const;

export function inferenceOf(
  customer: string,
  t_ms: number,
  log_id: number,
  more: Partial<InferenceRecord> = {},
): InferenceRecord {
  return inference(log_id, {
    t_ms,
    customer_id: customer,
    instruction: `put ${wordOf(customer)} on the plate`,
    state: [numberOf(customer), 0],
    chunk: new Uint8Array(new Float32Array(8).fill(numberOf(customer)).buffer),
    shape: [4, 2],
    ...more,
  });
}

export function requestOf(customer: string, t_ms: number, log_id: number): InferenceRecord {
  const plan = {
    control: { note: wordOf(customer) },
    limits: { v: numberOf(customer) },
    state: doubles(customer, 2),
    proposed: doubles(customer, 4),
    sent: doubles(customer, 4),
    flags: [0, 0],
    score: [1, 1],
    kinds: [0, 0],
  };
  return inferenceOf(customer, t_ms, log_id, { session_id: null, plan });
}

export function ticksOf(customer: string, t_ms: number, log_id: number, rows = 10): TicksRecord {
  const column = Array.from({ length: rows }, () => 0);
  return {
    ...common(customer, t_ms),
    kind: 'ticks',
    episode: 0,
    part: 0,
    seq: column.map((_, i) => i),
    dt_ms: 100,
    log_ids: column.map((_, i) => (i === 0 ? log_id : 0)),
    dim: 2,
    proposed: doubles(customer, 2 * rows),
    sent: doubles(customer, 2 * rows),
    flags: column,
    score: column,
    kinds: column,
    causes: column,
    inputs: { at: [0], before: [0], log_ids: [log_id], base_tick: [0], state_dim: 2, state: doubles(customer, 2) },
  };
}

export function sessionOf(customer: string, t_ms: number, event: SessionRecord['event']): SessionRecord {
  const word = wordOf(customer);
  return {
    ...common(customer, t_ms),
    session_id: SESSION,
    kind: 'session',
    event,
    key_id: '01980000-0000-7000-8000-00000000000d',
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_id: 'tabletop-v1',
    model_version: '1',
    control_hz: 10,
    pacing: 'paced',
    execute: 4,
    blend: 'latest',
    smoothing: 'none',
    limits: { v: { value: numberOf(customer), origin: 'session' } },
    instruction: `put ${word} on the plate`,
    environment: { environment_type: 'lab', note: word },
    client: { name: word },
    epoch: 1,
    ...(event === 'open' ? { control: { note: word }, asked: { limits: { v: numberOf(customer) } } } : {}),
    ...(event === 'close' ? { reason: 'client', counters: { ticks: 3 } } : {}),
  };
}

type EventName = EventRecord['event'] | 'feedback' | 'quality_gate';

/** Any event; those of other parts of the program too, whose types are not this package's. */
export function eventOf(customer: string, t_ms: number, event: EventName, log_id: number | null = null): JournalRecord {
  const word = wordOf(customer);
  const number = numberOf(customer);
  const data: Readonly<Record<string, unknown>> = {
    reset: { note: word },
    estop: { by: 'client', reason: word },
    estop_clear: { by: 'operator', key_id: 'k', reason: word },
    instruction: { instruction: `now ${word}` },
    rejected_observations: { field: 'state', reason: word, count: 3 },
    direction_mismatch: { asked: word, displacement: [number, 0, 0], along: number, held_ticks: 3 },
    feedback: { action: 'create', row: { log_id, notes: word, corrected_action: [number] } },
    quality_gate: { field: 'instruction', reason: word },
    safety_incident: {
      incident_id: '01980000-0000-7000-8000-00000000000e',
      opened_ms: t_ms - 100,
      last_ms: t_ms,
      severity: 'medium',
      violation_type: 'workspace',
      proposed: [number],
      sent: [number],
      instruction: `put ${word} on the plate`,
      log_id,
    },
    customer: { action: 'create', row: { customer_id: customer } },
    key: { action: 'create', row: { key_id: 'k' } },
    consent: { row: { consent_tier: 'none' } },
  };
  const record = { ...common(customer, t_ms), kind: 'event', event, robot_id: 'arm-1', episode: 0, data: data[event] };
  return (event === 'reset' ? { ...record, outcome: { success: true } } : record) as unknown as JournalRecord;
}

/** Every file of a folder. */
export async function filesOf(dir: string): Promise<Map<string, Buffer>> {
  const names = await readdir(dir);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name))] as const)));
}

/** The files in which a customer's canaries stand. */
export async function foundIn(dir: string, customer: string): Promise<string[]> {
  const canaries = canariesOf(customer);
  return [...(await filesOf(dir))]
    .filter(([, bytes]) => canaries.some((canary) => bytes.includes(canary)))
    .map(([name]) => name)
    .sort();
}
