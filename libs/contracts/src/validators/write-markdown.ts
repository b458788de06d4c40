import { writeFileSync } from 'node:fs';
import { validatorsMarkdown } from './markdown.js';

writeFileSync(new URL('../../VALIDATORS.md', import.meta.url), validatorsMarkdown());
