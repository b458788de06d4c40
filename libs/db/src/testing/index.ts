export { registerDbTests } from './db-tests.js';
export { episodeRow, inferenceRow, sessionRow } from './rows.js';
export { freshDataDir, startTestDatabase, TEST_PASSWORD, type TestDatabase } from './test-database.js';
