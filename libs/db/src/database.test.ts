import { registerDbTests } from './testing/db-tests.js';
import { startTestDatabase } from './testing/test-database.js';

registerDbTests('the embedded PostgreSQL', () => startTestDatabase());
