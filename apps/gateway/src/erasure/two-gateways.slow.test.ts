import { startTestDatabase } from '@sinew/db/testing';
import { registerTwoGatewayErasureTests } from '../testing/two-gateway-erasure.js';

registerTwoGatewayErasureTests(startTestDatabase);
