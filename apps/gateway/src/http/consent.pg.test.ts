import { startServerDatabase } from '@sinew/db/testing';
import { registerConsentTests } from '../testing/consent-tests.js';

registerConsentTests('a PostgreSQL server, as an ordinary user', startServerDatabase);
