// Records and folders for tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JournalEntry, type JournalFault, readJournal } from './reader.js';
import type { EstopEvent, InferenceRecord } from './records.js';

export const CUSTOMER = '01980000-0000-7000-8000-00000000000a';
export const SESSION = '01980000-0000-7000-8000-00000000000b';

export function inference(log_id: number, overrides: Partial<InferenceRecord> = {}): InferenceRecord {
  return {
    v: 1,
    kind: 'inference',
    log_id,
    t_ms: 1_800_000_000_000,
    session_id: SESSION,
    customer_id: CUSTOMER,
    request_id: '01980000-0000-7000-8000-00000000000c',
    key_id: '01980000-0000-7000-8000-00000000000d',
    episode: 0,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_id: 'tabletop-v1',
    model_version: '1',
    instruction: 'put the red cube on the plate',
    observation_seq: 1,
    observation_age_ms: 12.5,
    base_tick: 0,
    state: [0.1, 0.2, 0.3],
    image_shape: [96, 96, 3],
    chunk: Uint8Array.of(1, 2, 3, 4),
    shape: [1, 1],
    queue_ms: 1,
    decode_ms: 1,
    inference_ms: 5,
    total_ms: 8,
    status: 'ok',
    safety_score: 1,
    safety_flags: [],
    ...overrides,
  };
}

export function estop(event: 'estop' | 'estop_clear', robot_id: string, t_ms = 1_800_000_000_000): EstopEvent {
  return {
    v: 1,
    kind: 'event',
    event,
    log_id: null,
    t_ms,
    session_id: SESSION,
    customer_id: CUSTOMER,
    robot_id,
    episode: 0,
    data: { by: 'client' },
  };
}

export async function withFolder<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-journal-'));
  try {
    return await run(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function readAll(dir: string): Promise<{ entries: JournalEntry[]; faults: JournalFault[] }> {
  const faults: JournalFault[] = [];
  const entries: JournalEntry[] = [];
  for await (const entry of readJournal({ dir, onFault: (fault) => faults.push(fault) })) entries.push(entry);
  return { entries, faults };
}

export function logIds(entries: readonly JournalEntry[]): number[] {
  return entries.flatMap(({ record }) => (record.kind === 'inference' ? [record.log_id] : []));
}
