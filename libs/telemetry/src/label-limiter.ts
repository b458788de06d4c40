/** Distinct values of one label before everything further is called `other`. */
const MOST_VALUES = 100;

/** Bounds metric labels that come from clients: they choose field names and reasons, not our memory. */
export class LabelLimiter {
  readonly #seen = new Map<string, Set<string>>();

  /** A label made of free text: numbers become `#`, and the number of different values a label can have is bounded. */
  limit(label: string, text: string): string {
    const value = text.replace(/[0-9.]+/g, '#').slice(0, 64);
    let values = this.#seen.get(label);
    if (values === undefined) {
      values = new Set();
      this.#seen.set(label, values);
    }
    if (values.has(value)) return value;
    if (values.size >= MOST_VALUES) return 'other';
    values.add(value);
    return value;
  }
}
