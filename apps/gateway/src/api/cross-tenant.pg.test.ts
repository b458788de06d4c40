import { startServerDatabase } from '@sinew/db/testing';
import { registerCrossTenantTests } from '../testing/cross-tenant-tests.js';

registerCrossTenantTests(startServerDatabase);
