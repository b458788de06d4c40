/** Token ids that the graph takes. */
export const TOKENS = 16;

/** Word-level tokens: entry i of the vocabulary has id i, 0 pads and 1 stands for unknown words. */
export class Words {
  readonly #ids: ReadonlyMap<string, number>;

  constructor(vocabulary: readonly string[]) {
    this.#ids = new Map(vocabulary.map((word, id) => [word, id]));
  }

  encode(instruction: string, length: number): number[] {
    const ids = instruction
      .toLowerCase()
      .split(/\s+/)
      .map((word) => this.#ids.get(word) ?? 1);
    return [...ids, ...new Array<number>(length).fill(0)].slice(0, length);
  }
}
