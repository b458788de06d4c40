/** Where a robot stands, as statistics compare it. */
export const ENVIRONMENT_TYPES = [
  'lab',
  'factory',
  'warehouse',
  'kitchen',
  'home',
  'office',
  'retail',
  'hospital',
  'farm',
  'outdoor',
  'simulation',
  'other',
] as const;
export type EnvironmentType = (typeof ENVIRONMENT_TYPES)[number];
