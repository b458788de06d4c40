#!/usr/bin/env node
// The `sinew` command. Committed as plain JavaScript so that node_modules/.bin/sinew exists right after an install; what
// is not built yet is built first (nothing to do: a few milliseconds).
import { bootstrap } from './bootstrap.js';

await bootstrap();
const { main } = await import('../dist/main.js');
await main(process.argv.slice(2));
