import { ERRORS, type ErrorCode } from '@sinew/protocol';
import type { AnyRoute } from '../routes/route-contract.js';

const TOO_LARGE = 413;

/** Which error codes an endpoint is answered with, by status: what its handler refuses, and what the router does before. */
export function refusalsOf(route: AnyRoute): Map<number, ErrorCode[]> {
  const byStatus = new Map<number, ErrorCode[]>();
  const add = (code: ErrorCode, status: number = ERRORS[code].http) => {
    const codes = byStatus.get(status) ?? [];
    if (!codes.includes(code)) byStatus.set(status, [...codes, code]);
  };
  const { access } = route;
  if (access.kind !== 'open') {
    for (const code of ['unauthorized', 'key_revoked', 'rate_limited', 'unavailable'] as const) add(code);
    if (access.kind === 'operator' || access.scope !== null) add('forbidden');
  }
  if (route.params !== undefined || route.query !== undefined || route.body !== undefined) add('validation_failed');
  if (route.headers !== undefined) add('validation_failed');
  if (route.body !== undefined) add('bad_message');
  if (route.method !== 'get') add('validation_failed', TOO_LARGE);
  for (const code of route.errors) add(code);
  add('internal');
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}
