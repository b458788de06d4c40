// Reads the few fields of `action` and `hold` that are measured, straight from the msgpack bytes: at 20,000 frames a second
// a full decode would make the load generator what is measured.

export interface TickFrame {
  kind: 'action' | 'hold' | 'other';
  seq: number;
  observationSeq: number;
  ageMs: number;
  /** `latency.total_ms` of the chunk it came from. */
  totalMs: number;
  logId: number;
  reason: string;
}

/** One reader's result is reused: copy what must outlive the next call. */
export class TickReader {
  readonly frame: TickFrame = {
    kind: 'other',
    seq: -1,
    observationSeq: -1,
    ageMs: 0,
    totalMs: 0,
    logId: -1,
    reason: '',
  };
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Reads the map at `start`; everything but action and hold is `other`. Throws a RangeError on what is not msgpack. */
  read(bytes: Buffer, start: number): TickFrame {
    const { frame } = this;
    this.#bytes = bytes;
    this.#at = start;
    frame.kind = 'other';
    frame.seq = -1;
    frame.observationSeq = -1;
    frame.logId = -1;
    for (let left = this.#mapSize(); left > 0; left--) {
      const length = this.#textLength();
      const key = this.#at;
      this.#at += length;
      if (length === 4 && this.#is(key, 'type')) frame.kind = this.#kind();
      else if (length === 3 && this.#is(key, 'seq')) frame.seq = this.#number();
      else if (length === 15 && this.#is(key, 'observation_seq')) frame.observationSeq = this.#number();
      else if (length === 6 && this.#is(key, 'age_ms')) frame.ageMs = this.#number();
      else if (length === 6 && this.#is(key, 'log_id')) frame.logId = this.#number();
      else if (length === 6 && this.#is(key, 'reason')) frame.reason = this.#text();
      else if (length === 7 && this.#is(key, 'latency')) frame.totalMs = this.#totalMs();
      else this.#skip();
    }
    return frame;
  }

  #kind(): TickFrame['kind'] {
    const length = this.#textLength();
    const at = this.#at;
    this.#at += length;
    if (length === 6 && this.#is(at, 'action')) return 'action';
    return length === 4 && this.#is(at, 'hold') ? 'hold' : 'other';
  }

  #totalMs(): number {
    let total = 0;
    for (let left = this.#mapSize(); left > 0; left--) {
      const length = this.#textLength();
      const key = this.#at;
      this.#at += length;
      if (length === 8 && this.#is(key, 'total_ms')) total = this.#number();
      else this.#skip();
    }
    return total;
  }

  #is(at: number, text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #text(): string {
    const length = this.#textLength();
    this.#at += length;
    return this.#bytes.toString('latin1', this.#at - length, this.#at);
  }

  #mapSize(): number {
    const token = this.#bytes.readUInt8(this.#at++);
    if (token >= 0x80 && token < 0x90) return token & 0x0f;
    if (token === 0xde) return this.#length(2);
    throw new RangeError('not a map');
  }

  #textLength(): number {
    const token = this.#bytes.readUInt8(this.#at++);
    if (token >= 0xa0 && token < 0xc0) return token & 0x1f;
    if (token === 0xd9) return this.#length(1);
    if (token === 0xda) return this.#length(2);
    throw new RangeError('not a string');
  }

  #length(bytes: number): number {
    const value = this.#bytes.readUIntBE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }

  #number(): number {
    const bytes = this.#bytes;
    const token = bytes.readUInt8(this.#at++);
    if (token < 0x80) return token;
    if (token >= 0xe0) return token - 0x100;
    const at = this.#at;
    this.#at += NUMBER_BYTES[token - 0xca] ?? 0;
    switch (token) {
      case 0xca:
        return bytes.readFloatBE(at);
      case 0xcb:
        return bytes.readDoubleBE(at);
      case 0xcc:
        return bytes.readUInt8(at);
      case 0xcd:
        return bytes.readUInt16BE(at);
      case 0xce:
        return bytes.readUInt32BE(at);
      case 0xcf:
        return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
      case 0xd0:
        return bytes.readInt8(at);
      case 0xd1:
        return bytes.readInt16BE(at);
      case 0xd2:
        return bytes.readInt32BE(at);
      case 0xd3:
        return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
      default:
        throw new RangeError('not a number');
    }
  }

  #skip(): void {
    const token = this.#bytes.readUInt8(this.#at++);
    if (token < 0x80 || token >= 0xe0) return;
    if (token < 0x90) return this.#skipMany(2 * (token & 0x0f));
    if (token < 0xa0) return this.#skipMany(token & 0x0f);
    if (token < 0xc0) return this.#jump(token & 0x1f);
    switch (token) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xd9:
        return this.#jump(this.#length(1));
      case 0xc5:
      case 0xda:
        return this.#jump(this.#length(2));
      case 0xc6:
      case 0xdb:
        return this.#jump(this.#length(4));
      case 0xdc:
        return this.#skipMany(this.#length(2));
      case 0xdd:
        return this.#skipMany(this.#length(4));
      case 0xde:
        return this.#skipMany(2 * this.#length(2));
      case 0xdf:
        return this.#skipMany(2 * this.#length(4));
      default: {
        const size = NUMBER_BYTES[token - 0xca];
        if (size === undefined) throw new RangeError('not msgpack');
        this.#jump(size);
      }
    }
  }

  #jump(bytes: number): void {
    this.#at += bytes;
  }

  #skipMany(values: number): void {
    for (let left = values; left > 0; left--) this.#skip();
  }
}

/** Payload bytes of the number tokens 0xca … 0xd3. */
const NUMBER_BYTES: readonly number[] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8];
