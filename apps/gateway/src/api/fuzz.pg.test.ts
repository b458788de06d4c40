import { startServerDatabase } from '@sinew/db/testing';
import { registerFuzzTests } from '../testing/fuzz.js';

registerFuzzTests(40, startServerDatabase);
