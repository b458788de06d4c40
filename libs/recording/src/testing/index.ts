export { type ReadBack, readMcap } from './read-mcap.js';
export { jpeg } from './sample.js';
