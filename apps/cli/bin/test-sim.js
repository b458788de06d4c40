#!/usr/bin/env node
// `npm run test:sim`: install and build what is missing, then the simulation; arguments are passed on (`-- --seeds 10000`).
import { bootstrap } from './bootstrap.js';

await bootstrap();
await import('../../gateway/dist/simulation/main.js');
