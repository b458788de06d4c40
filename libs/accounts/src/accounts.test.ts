import { startTestDatabase } from '@sinew/db/testing';
import { registerAccountTests } from './testing/account-tests.js';

registerAccountTests('the embedded PostgreSQL', () => startTestDatabase());
