import { borrowEncoded } from './codec.js';
import { JournalError } from './errors.js';
import { FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, sealFrame } from './frame.js';
import { encodeInference, isPlain } from './inference-encoder.js';
import type { JournalRecord } from './records.js';
import { encodeTicks, isComplete } from './ticks-encoder.js';

const INITIAL_BYTES = 64 * 1024;
/** After a long stall the buffer may have grown far; above this it is not kept. */
const KEEP_BYTES = 1024 * 1024;

/** Records of one loop turn, as the bytes of one write. Kept until they are synced, then cleared and filled again. */
export class Batch {
  /** In shared memory: another thread may write it to the file. */
  bytes = sharedBuffer(INITIAL_BYTES);
  length = 0;
  /** Number of the last record in it, counted over the writer's life. */
  last = 0;
  urgent = false;
  onWritten: (() => void)[] = [];
  readonly usage = new Map<string, number>();
  /** E-stop events, applied to the written state when the bytes are. */
  readonly latchEvents: JournalRecord[] = [];
  highLogId = 0;
  /** Where the frames begin. They are sealed when their segment is known: its salt is in the checksum. */
  readonly #frames: number[] = [];

  get records(): number {
    return this.#frames.length;
  }

  add(record: JournalRecord): void {
    const payload = borrowPayload(record);
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new JournalError('record_too_large', `A ${record.kind} record of ${payload.length} bytes`);
    }
    const frameBytes = FRAME_HEADER_BYTES + payload.length;
    this.#reserve(frameBytes);
    this.bytes.set(payload, this.length + FRAME_HEADER_BYTES);
    this.bytes.writeUInt32LE(payload.length, this.length);
    this.#frames.push(this.length);
    this.length += frameBytes;
    this.usage.set(record.customer_id, (this.usage.get(record.customer_id) ?? 0) + frameBytes);
    if (record.kind === 'inference' && record.log_id > this.highLogId) this.highLogId = record.log_id;
    if (record.kind === 'event' && (record.event === 'estop' || record.event === 'estop_clear')) {
      this.latchEvents.push(record);
      this.urgent = true;
    }
  }

  seal(salt: number): void {
    for (const frame of this.#frames) sealFrame(this.bytes, frame, this.bytes.readUInt32LE(frame), salt);
  }

  clear(): void {
    if (this.bytes.length > KEEP_BYTES) this.bytes = sharedBuffer(INITIAL_BYTES);
    this.length = 0;
    this.urgent = false;
    this.highLogId = 0;
    this.#frames.length = 0;
    this.onWritten = [];
    this.latchEvents.length = 0;
    this.usage.clear();
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    let capacity = this.bytes.length;
    while (capacity < needed) capacity *= 2;
    const larger = sharedBuffer(capacity);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** Valid until the next call. The two kinds that come all the time have encoders of their own. */
function borrowPayload(record: JournalRecord): Uint8Array {
  if (record.kind === 'inference' && isPlain(record)) return encodeInference(record);
  if (record.kind === 'ticks' && isComplete(record)) return encodeTicks(record);
  return borrowEncoded(record);
}

function sharedBuffer(bytes: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(bytes));
}
