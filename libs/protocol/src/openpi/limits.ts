/** What one message may hold. The wire itself has no bounds, and a five-byte header can claim four billion entries. */
export const OPENPI_LIMITS = { maxValues: 16_384, maxMapKeys: 256, maxDepth: 12 } as const;

/** Where a gateway speaks this wire. */
export const OPENPI_PATH = '/v1/openpi';
