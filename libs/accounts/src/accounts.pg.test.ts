import { startServerDatabase } from '@sinew/db/testing';
import { registerAccountTests } from './testing/account-tests.js';

registerAccountTests('a PostgreSQL server, as an ordinary user', startServerDatabase);
