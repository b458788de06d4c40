#!/usr/bin/env node
// `npm run bench -- COMMAND`: plain JavaScript, so that it can build what is missing before it loads anything built.
import { bootstrap } from '../../apps/cli/bin/bootstrap.js';

await bootstrap();
const { main } = await import('../dist/main.js');
await main(process.argv.slice(2));
