/** What happened, as one number, and as lines where somebody wants to read them. */
export class Trace {
  readonly #lines: string[] | null;
  readonly #most: number;
  #a = 0x811c9dc5;
  #b = 0x1b873593;

  /** `most`: the last so many lines are kept; 0: none. */
  constructor(most = 0) {
    this.#most = most;
    this.#lines = most > 0 ? [] : null;
  }

  /** `text` is called only where lines are kept; what distinguishes two runs must be in `numbers`. */
  note(atMs: number, text: () => string, ...numbers: readonly number[]): void {
    this.#mix(Math.round(atMs * 1_000));
    for (const number of numbers) this.#mix(number);
    if (this.#lines === null) return;
    this.#lines.push(`${atMs.toFixed(3).padStart(12)}  ${text()}`);
    if (this.#lines.length > 2 * this.#most) this.#lines.splice(0, this.#most);
  }

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#a = Math.imul(this.#a ^ byte, 0x01000193);
      this.#b = Math.imul(this.#b ^ byte, 0x85ebca6b) ^ (this.#b >>> 13);
    }
  }

  /** Of everything noted so far. */
  get hash(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0');
  }

  get lines(): readonly string[] {
    return this.#lines?.slice(-this.#most) ?? [];
  }

  #mix(number: number): void {
    FLOAT[0] = number;
    const [low = 0, high = 0] = WORDS;
    this.#a = Math.imul(this.#a ^ low, 0x01000193) ^ (this.#a >>> 15);
    this.#b = Math.imul(this.#b ^ high, 0x85ebca6b) ^ (this.#b >>> 13);
    this.#a = Math.imul(this.#a ^ high, 0x01000193);
    this.#b = Math.imul(this.#b ^ low, 0x85ebca6b);
  }
}

const FLOAT = new Float64Array(1);
const WORDS = new Uint32Array(FLOAT.buffer);
