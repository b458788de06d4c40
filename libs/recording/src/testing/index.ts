export { type ReadBack, readMcap } from './read-mcap.js';
export { jpeg, momentsOf, recordingOf, START_MS } from './sample.js';
