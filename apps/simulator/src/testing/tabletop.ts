import { fileURLToPath } from 'node:url';

/** The bundle's folder. */
export const TABLETOP = fileURLToPath(new URL('../../../../libs/policy/bundles/tabletop-v1', import.meta.url));
