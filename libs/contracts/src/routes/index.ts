import type { AnyRoute } from './route-contract.js';

export * from './route-contract.js';

/** Every endpoint: what is not in here is not mounted. */
export const ALL_ROUTES: readonly AnyRoute[] = [];
