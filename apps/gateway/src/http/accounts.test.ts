import { startTestDatabase } from '@sinew/db/testing';
import { registerAccountRestTests } from '../testing/account-tests.js';

registerAccountRestTests('the embedded PostgreSQL', () => startTestDatabase());
