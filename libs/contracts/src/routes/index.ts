import { ACCOUNT_ROUTES } from './accounts.js';
import { CONSENT_ROUTES } from './consent.js';
import { DATA_RIGHTS_ROUTES } from './data-rights.js';
import { FEEDBACK_ROUTES } from './feedback.js';
import { HISTORY_ROUTES } from './history.js';
import { inferRoute } from './inference.js';
import {
  docsRoute,
  getRobotRoute,
  healthRoute,
  listModelsRoute,
  listRobotsRoute,
  openApiRoute,
} from './information.js';
import { MONITORING_ROUTES } from './monitoring.js';
import { clearEstopRoute } from './operations.js';
import { recordSessionRoute } from './recording.js';
import type { AnyRoute } from './route-contract.js';
import { usageRoute } from './usage.js';

export * from './accounts.js';
export * from './consent.js';
export * from './data-rights.js';
export * from './error-body.js';
export * from './feedback.js';
export * from './history.js';
export * from './inference.js';
export * from './information.js';
export * from './monitoring.js';
export * from './operations.js';
export * from './recording.js';
export * from './route-contract.js';
export * from './shapes.js';
export * from './usage.js';

/** Every endpoint: what is not in here is not mounted. */
export const ALL_ROUTES: readonly AnyRoute[] = [
  healthRoute,
  openApiRoute,
  docsRoute,
  listModelsRoute,
  listRobotsRoute,
  getRobotRoute,
  inferRoute,
  ...HISTORY_ROUTES,
  recordSessionRoute,
  usageRoute,
  ...FEEDBACK_ROUTES,
  ...CONSENT_ROUTES,
  ...ACCOUNT_ROUTES,
  ...DATA_RIGHTS_ROUTES,
  clearEstopRoute,
  ...MONITORING_ROUTES,
];
