/** Single steps of the hot path, for those who measure them. */
export { Authenticator, type AuthResult, type FindKey } from './auth.js';
export { bearer } from './http/router.js';
export { ObservationGate } from './session/observation-gate.js';
export { readOffer } from './stream/upgrade.js';
