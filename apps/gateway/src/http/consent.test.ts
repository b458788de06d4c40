import { startTestDatabase } from '@sinew/db/testing';
import { registerConsentTests } from '../testing/consent-tests.js';

registerConsentTests('the embedded PostgreSQL', () => startTestDatabase());
