// What an erasure makes of a record: nothing, a tombstone, or the same record without what its customer said, saw and did.
import { encodeMap } from './codec.js';
import { logIdTimeMs } from './log-id.js';

/** What is to be erased: everything of a customer, or one of its inferences, that began at `before_ms` or earlier. */
export interface Erasure {
  readonly customer_id: string;
  /** Null: everything. */
  readonly log_id: number | null;
  /** Unix milliseconds. */
  readonly before_ms: number;
}

type Fields = Readonly<Record<string, unknown>>;

export interface ErasedForm {
  /** As the report counts it: an event's name, else the kind. */
  readonly was: string;
  readonly blanked: boolean;
  /** Which erasure it is of: the first that covers it. */
  readonly erasure: number;
  /** The beginning of the payload; zeros follow to the length of the one before. Null: it was erased before. */
  readonly head: Buffer | null;
}

/** What no erasure takes: accounts, and the safety record's frame. */
const KEPT_EVENTS: ReadonlySet<unknown> = new Set(['customer', 'key', 'consent', 'erase']);
/** Who stopped a robot or let it go again; why, in their own words, goes. */
const ESTOP_FACTS: ReadonlySet<string> = new Set(['by', 'key_id', 'request_id']);

/** What is to stand in place of a record's payload of `length` bytes; null where nothing of it is to be erased. */
export function erasedForm(record: Fields, erasures: readonly Erasure[], length: number): ErasedForm | null {
  if (KEPT_EVENTS.has(nameOf(record))) return null;
  const erasure = erasures.findIndex((each) => covers(each, record));
  if (erasure < 0) return null;
  const was = nameOf(record);
  if (record.kind === 'erased' || 'erased' in record) return { was, blanked: false, erasure, head: null };
  const blank = blanked(record);
  if (blank === 'nothing') return null;
  const head = blank === null ? null : headOf({ ...blank, erased: true }, length);
  if (head !== null) return { was, blanked: true, erasure, head };
  // Never in place of an e-stop: a latch outlives its session's data.
  if (record.event === 'estop' || record.event === 'estop_clear') return null;
  return { was, blanked: false, erasure, head: tombstone(record, was, length) };
}

/** Whether a record began before the erasure was asked for. Doubt ends in erasure: a second of ticks goes as a whole. */
export function covers({ customer_id, log_id, before_ms }: Erasure, record: Fields): boolean {
  if (record.customer_id !== customer_id || !(beganMs(record) <= before_ms)) return false;
  return log_id === null || tellsOf(record, log_id);
}

function beganMs(record: Fields): number {
  const written = typeof record.t_ms === 'number' ? record.t_ms : 0;
  const { dt_ms, log_id, seq } = record;
  // An id may run ahead of the clock, and a clock may be set back.
  if (record.kind === 'inference' && typeof log_id === 'number') return Math.min(written, logIdTimeMs(log_id));
  if (record.kind === 'ticks' && Array.isArray(seq)) return written - seq.length * Number(dt_ms ?? 0);
  const opened = fieldsOf(record.data).opened_ms;
  return record.event === 'safety_incident' && typeof opened === 'number' ? Math.min(written, opened) : written;
}

/** Whether a record tells of this inference: its own, the ticks that its chunk moved, what was said of it. */
function tellsOf(record: Fields, logId: number): boolean {
  switch (nameOf(record)) {
    case 'inference':
    case 'erased':
      return record.log_id === logId;
    case 'ticks':
      return listed(record.log_ids, logId) || listed(fieldsOf(record.inputs).log_ids, logId);
    case 'safety_incident':
      return fieldsOf(record.data).log_id === logId;
    case 'feedback':
      return fieldsOf(fieldsOf(record.data).row).log_id === logId;
    default:
      return false;
  }
}

const listed = (list: unknown, logId: number): boolean => Array.isArray(list) && list.includes(logId);

/** What stays of records that stay: when, which robot, how it ended. Null: nothing does. */
function blanked(record: Fields): Fields | 'nothing' | null {
  switch (nameOf(record)) {
    case 'session': {
      const { instruction: _i, environment: _e, client: _c, limits: _l, control: _o, asked: _a, ...frame } = record;
      return { ...frame, instruction: '' };
    }
    case 'safety_incident': {
      const data = fieldsOf(record.data);
      const gone = { instruction: null, proposed: null, sent: null, log_id: null };
      if (Object.keys(gone).every((name) => (data[name] ?? null) === null)) return 'nothing';
      return { ...record, data: { ...data, ...gone } };
    }
    case 'reset':
    case 'estop':
    case 'estop_clear': {
      const data = Object.entries(fieldsOf(record.data));
      const facts = record.event === 'reset' ? [] : data.filter(([name]) => ESTOP_FACTS.has(name));
      return facts.length === data.length ? 'nothing' : { ...record, data: Object.fromEntries(facts) };
    }
    default:
      return null;
  }
}

function tombstone({ log_id, robot_id, session_id, customer_id, t_ms }: Fields, was: string, length: number): Buffer {
  const named = {
    v: 1,
    kind: 'erased',
    log_id: log_id ?? null,
    t_ms,
    session_id: session_id ?? null,
    customer_id,
    was,
  };
  const small = { v: 1, kind: 'erased', log_id: log_id ?? null, t_ms, session_id: null, customer_id, was: '' };
  const head =
    (typeof robot_id === 'string' ? headOf({ ...named, robot_id }, length) : null) ??
    headOf(named, length) ??
    headOf(small, length) ??
    // Smaller than any record that our writers make: it stays unreadable, and goes all the same.
    headOf({ kind: 'erased' }, length);
  return head ?? Buffer.alloc(1, 0x80);
}

const MAP16 = 0xde;
const EMPTY_KEY = 0xa0;
const NIL = 0xc0;
const BIN8 = 0xc4;
const BIN16 = 0xc5;
const BIN32 = 0xc6;

/**
 * msgpack of `fields` that, with zeros after it, is one map of `length` bytes: what is left is a binary value under the empty
 * key. Null where it does not fit.
 */
export function headOf(fields: Fields, length: number): Buffer | null {
  const encoded = encodeMap(fields);
  const room = length - encoded.length;
  if (room === 0) return encoded;
  // One byte is too little for an entry, but `true` may be written as a number of two bytes.
  if (room === 1) return fields.erased === true ? headOf({ ...fields, erased: 0x80 }, length) : null;
  if (room < 0) return null;
  const filler = fillerHead(room);
  return Buffer.concat([oneMoreEntry(encoded), filler]);
}

function fillerHead(room: number): Buffer {
  if (room === 2) return Buffer.of(EMPTY_KEY, NIL);
  if (room <= 3 + 0xff) return Buffer.of(EMPTY_KEY, BIN8, room - 3);
  if (room <= 4 + 0xffff) return Buffer.of(EMPTY_KEY, BIN16, (room - 4) >> 8, (room - 4) & 0xff);
  const head = Buffer.of(EMPTY_KEY, BIN32, 0, 0, 0, 0);
  head.writeUInt32BE(room - 6, 2);
  return head;
}

function oneMoreEntry(map: Buffer): Buffer {
  const counted = Buffer.from(map);
  if (counted[0] === MAP16) counted.writeUInt16BE(counted.readUInt16BE(1) + 1, 1);
  else if (counted.readUInt8(0) < 0x8f) counted.writeUInt8(counted.readUInt8(0) + 1, 0);
  else throw new RangeError('no map that could take one more entry');
  return counted;
}

const nameOf = (record: Fields): string => String(record.kind === 'event' ? record.event : record.kind);

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
