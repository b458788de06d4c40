/**
 * JSON for `jsonb_to_recordset`: NaN and infinities become null (JSON has none), and U+0000, which PostgreSQL's text cannot
 * hold, is taken out of every string: a stray zero byte in a robot's instruction must not stop the shipper.
 */
export function storableJson(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (_key, value: unknown) =>
    typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '') : value,
  );
}
