import type { Bundle } from '@sinew/policy';
import type { Smoothing } from '@sinew/protocol';

/** From here up a filter helps more than its delay costs (control.md “Smoothing”); below, none unless the bundle asks. */
const SMOOTH_FROM_HZ = 30;

/** What smooths a policy's actions at this rate where the client does not say: the same for sessions and over REST. */
export function smoothingFor({ manifest }: Bundle, controlHz: number): Smoothing {
  return manifest.smoothing ?? (controlHz >= SMOOTH_FROM_HZ ? 'one_euro' : 'none');
}
