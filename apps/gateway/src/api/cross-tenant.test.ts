import { registerCrossTenantTests } from '../testing/cross-tenant-tests.js';

registerCrossTenantTests();
