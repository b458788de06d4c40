// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum of iSCSI, ext4 and this journal. `zlib.crc32` is the
// other polynomial (0xEDB88320). Slicing-by-8 (Kounavis and Berry, 2005): eight table look-ups take eight bytes a step.

const POLYNOMIAL = 0x82f63b78;
const TABLES = buildTables();

function buildTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[byte] ?? 0;
    for (let slice = 1; slice < 8; slice++) {
      crc = (tables[crc & 0xff] ?? 0) ^ (crc >>> 8);
      tables[slice * 256 + byte] = crc;
    }
  }
  return tables;
}

/** CRC-32C of `bytes[start, end)` as an unsigned 32-bit number. `previous`: the checksum of what stands before. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, previous = 0): number {
  // Typed-array reads inside the bounds are numbers; the casts only silence noUncheckedIndexedAccess on the hot path.
  const t = TABLES as unknown as { readonly [index: number]: number };
  const b = bytes as unknown as { readonly [index: number]: number };
  let crc = ~previous;
  let i = start;
  for (const stop = end - 7; i < stop; i += 8) {
    const low = crc ^ (at(b, i) | (at(b, i + 1) << 8) | (at(b, i + 2) << 16) | (at(b, i + 3) << 24));
    crc =
      at(t, 1792 + (low & 0xff)) ^
      at(t, 1536 + ((low >>> 8) & 0xff)) ^
      at(t, 1280 + ((low >>> 16) & 0xff)) ^
      at(t, 1024 + (low >>> 24)) ^
      at(t, 768 + at(b, i + 4)) ^
      at(t, 512 + at(b, i + 5)) ^
      at(t, 256 + at(b, i + 6)) ^
      at(t, at(b, i + 7));
  }
  for (; i < end; i++) crc = at(t, (crc ^ at(b, i)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function at(values: { readonly [index: number]: number }, index: number): number {
  return values[index] as number;
}
