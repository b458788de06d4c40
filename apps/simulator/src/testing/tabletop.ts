import { fileURLToPath } from 'node:url';

/** The bundles' folders. */
export const TABLETOP = fileURLToPath(new URL('../../../../libs/policy/bundles/tabletop-v1', import.meta.url));
/** The one that continues a prefix. */
export const TABLETOP_RTC = fileURLToPath(new URL('../../../../libs/policy/bundles/tabletop-rtc-v1', import.meta.url));
