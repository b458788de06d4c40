export type * from './records.js';
export { RECORD_VERSION } from './records.js';
