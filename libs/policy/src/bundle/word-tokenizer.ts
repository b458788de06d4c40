/** Instructions repeat tick after tick; this many different ones are kept encoded. */
const CACHE_SIZE = 1024;

/** Word-level: lower case, split at white space and punctuation, one id a known word, `unknown` for others, padded to `length`. */
export class WordTokenizer {
  readonly length: number;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pad: number;
  readonly #unknown: number;
  readonly #cache = new Map<string, Int32Array>();

  /** `words[i]` has id i. Throws a RangeError where `pad` or `unknown` is not among them. */
  constructor(words: readonly string[], options: { length: number; pad: string; unknown: string }) {
    this.#ids = new Map(words.map((word, id) => [word, id]));
    this.#pad = this.#special(options.pad);
    this.#unknown = this.#special(options.unknown);
    this.length = options.length;
  }

  /** [length] token ids; words beyond the length are cut. The array is shared: do not write to it. */
  encode(text: string): Int32Array {
    const known = this.#cache.get(text);
    if (known !== undefined) return known;
    const ids = new Int32Array(this.length).fill(this.#pad);
    let at = 0;
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu)) {
      if (at === this.length) break;
      ids[at++] = this.#ids.get(word) ?? this.#unknown;
    }
    if (this.#cache.size === CACHE_SIZE) this.#cache.clear();
    this.#cache.set(text, ids);
    return ids;
  }

  #special(word: string): number {
    const id = this.#ids.get(word);
    if (id === undefined) throw new RangeError(`the vocabulary has no ${word}`);
    return id;
  }
}
