export {
  AccountAdministration,
  AccountFault,
  type CustomerChange,
  type CustomerWish,
  type KeyWish,
  type MadeKey,
  type Revoked,
  type Rotated,
  type Rotation,
} from './administration.js';
export { applyEvent } from './apply-event.js';
export {
  COMMAND_FOLDER,
  commandRecord,
  type DurableRecord,
  GATEWAY_FOLDER,
  GatewayRecord,
  NO_RECORD,
  RecordFailed,
  type RecordFolder,
  type Wait,
} from './durable-record.js';
export { consentEvent, customerEvent, erasureEvent, feedbackEvent, keyEvent } from './events.js';
export { type RestoredAccounts, restoreAccounts } from './restore.js';
