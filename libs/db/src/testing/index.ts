export { registerDbTests } from './db-tests.js';
export { episodeRow, inferenceRow, sessionRow } from './rows.js';
export { type ServerDatabase, startServerDatabase } from './server-database.js';
export { freshDataDir, startTestDatabase, TEST_PASSWORD, type TestDatabase } from './test-database.js';
