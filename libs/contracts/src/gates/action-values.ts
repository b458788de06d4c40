/** Outputs normalised to ±1 with a margin for those who were trained on quantiles. */
export const NORMALISED_BOUND = 1.1;
/** As a float32 says it. */
const BOUND = Math.fround(NORMALISED_BOUND);

export type ActionValueRule = 'action.not_finite' | 'action.not_normalised';

/**
 * The numbers that a model gave, before anything is made of them. Allocates nothing.
 * @param normalised for each of D entries, whether the bundle declares it normalised to ±1; null: none is.
 * @returns the first rule broken, or null.
 */
export function checkActionValues(
  actions: Float32Array,
  normalised: readonly boolean[] | null,
): ActionValueRule | null {
  for (let i = 0; i < actions.length; i++) {
    const value = actions[i] as number;
    if (!Number.isFinite(value)) return 'action.not_finite';
    if (normalised === null || !(Math.abs(value) > BOUND)) continue;
    if (normalised[i % normalised.length] === true) return 'action.not_normalised';
  }
  return null;
}
