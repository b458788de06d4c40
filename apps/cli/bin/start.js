#!/usr/bin/env node
// `npm start`: install and build what is missing, then `sinew up` in this same process, so that a signal to it or to its
// group ends in one clean shutdown and one exit code.
import { bootstrap } from './bootstrap.js';

await bootstrap();
const { main } = await import('../dist/main.js');
await main(['up', ...process.argv.slice(2)]);
