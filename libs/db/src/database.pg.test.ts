import { registerDbTests } from './testing/db-tests.js';
import { startServerDatabase } from './testing/server-database.js';

registerDbTests('a PostgreSQL server, as an ordinary user', startServerDatabase);
