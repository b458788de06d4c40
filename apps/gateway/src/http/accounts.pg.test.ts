import { startServerDatabase } from '@sinew/db/testing';
import { registerAccountRestTests } from '../testing/account-tests.js';

registerAccountRestTests('a PostgreSQL server, as an ordinary user', startServerDatabase);
