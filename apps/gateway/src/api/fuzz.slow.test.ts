import { registerFuzzTests } from '../testing/fuzz.js';

registerFuzzTests(150);
