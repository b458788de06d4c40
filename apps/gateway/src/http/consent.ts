import { consentEvent, type DurableRecord } from '@sinew/accounts';
import {
  type ConsentBody,
  type ConsentHistory,
  consentHistoryRoute,
  getConsentRoute,
  revokeConsentRoute,
  setConsentRoute,
} from '@sinew/contracts';
import type { ConsentAuditRow, ConsentChange, ConsentRow, Consents } from '@sinew/db';
import { consentOf, permissionsOf, scrubText, TIER_PERMISSIONS } from '@sinew/privacy';
import { SinewError } from '@sinew/protocol';
import type { Logger } from '@sinew/telemetry';
import { mayAdminister, type Principal } from '../auth.js';
import { bind, type Route } from './bind.js';
import { json, type Reply } from './reply.js';
import { RequestFault } from './request-fault.js';

export interface ConsentRouteDeps {
  readonly consents: Consents;
  /** Where a change is recorded before the database has it. */
  readonly record: DurableRecord;
  /** Tells this gateway and the others; what it rejects with changes no answer, as they would see it by themselves. */
  readonly changed: (customerId: string, version: number) => Promise<void>;
  /** Unix milliseconds. */
  readonly wallNow: () => number;
  readonly log: Logger;
}

/** `/admin/customers/{id}/consent`: what a customer allows to be kept. The answer comes once the change will survive. */
export function consentRoutes(deps: ConsentRouteDeps): Route[] {
  const { consents, wallNow } = deps;
  return [
    bind(getConsentRoute, async ({ params, principal }) => {
      administered(principal, params.customer_id);
      const { customer, row } = await consents.find(params.customer_id);
      if (!customer) throw noCustomer();
      return json(bodyOf(params.customer_id, row, wallNow()));
    }),
    bind(setConsentRoute, ({ params, body, principal, requestId }) => {
      const { tier, expires_at, version, reason, ...wish } = body;
      const granted = permissionsOf(tier, wish);
      if (!granted.ok) throw invalid(granted.field, granted.reason);
      const ends = expires_at === undefined || expires_at === null ? null : new Date(expires_at);
      if (ends !== null && !(ends.getTime() > wallNow())) throw invalid('expires_at', 'must be in the future');
      // By its offset a moment of 9999 can be one of 10000, which has no such text.
      if (ends !== null && ends.getUTCFullYear() > 9_999) throw invalid('expires_at', 'is too far away');
      const terms = { consent_tier: tier, expires_at: ends, ...granted.permissions };
      const expected = version === undefined ? {} : { expected_version: version };
      return change(deps, params.customer_id, principal, { terms, request_id: requestId, ...why(reason), ...expected });
    }),
    bind(revokeConsentRoute, ({ params, query, principal, requestId }) => {
      const terms = { consent_tier: 'none', expires_at: null, ...TIER_PERMISSIONS.none } as const;
      return change(deps, params.customer_id, principal, { terms, request_id: requestId, ...why(query.reason) });
    }),
    bind(consentHistoryRoute, async ({ params, query, principal }) => {
      administered(principal, params.customer_id);
      const { page, per_page } = query;
      const { customer, rows, total } = await consents.audit(params.customer_id, {
        limit: per_page,
        offset: (page - 1) * per_page,
      });
      if (!customer) throw noCustomer();
      const history: ConsentHistory = {
        customer_id: params.customer_id,
        changes: rows.map(changeOf),
        total_count: total,
        page,
        per_page,
        has_next: page * per_page < total,
      };
      return json(history);
    }),
  ];
}

/** The account of a consent is never deleted: what it quotes must name nobody. */
const why = (reason: string | undefined) => ({ reason: reason === undefined ? null : scrubText(reason) });

async function change(
  { changed, consents, log, record, wallNow }: ConsentRouteDeps,
  customerId: string,
  principal: Principal,
  wanted: Omit<ConsentChange, 'at' | 'changed_by'>,
): Promise<Reply> {
  administered(principal, customerId);
  const at = new Date(wallNow());
  const result = await consents.change(customerId, { ...wanted, at, changed_by: principal.keyId }, (row, audit) =>
    record.record([consentEvent(row, audit)]),
  );
  switch (result.kind) {
    case 'no_customer':
      throw noCustomer();
    case 'conflict': {
      const reason = `the consent is at version ${result.version}`;
      throw new SinewError('duplicate', `version: ${reason}`, { field: 'version', reason });
    }
    case 'changed': {
      const { consent_tier, consent_version } = result.row;
      const { keyId: key_id } = principal;
      log.info(
        { customer_id: customerId, consent_tier, consent_version, key_id, request_id: wanted.request_id },
        'consent changed',
      );
      await changed(customerId, consent_version).catch((error: unknown) =>
        log.warn({ err: error }, 'other gateways were not told'),
      );
      return json(bodyOf(customerId, result.row, wallNow()));
    }
  }
}

/** Whoever may not administer a customer does not learn whether there is one. */
function administered(principal: Principal, customerId: string): void {
  if (!mayAdminister(principal, customerId)) throw noCustomer();
}

const noCustomer = () => new SinewError('not_found', 'There is no such customer', { field: 'customer_id' });
const invalid = (field: string, reason: string) => RequestFault.of('validation_failed', 'body', field, reason);

function bodyOf(customerId: string, row: ConsentRow | null, nowMs: number): ConsentBody {
  if (row === null) {
    const never = { tier: 'none', version: 0, consented_at: null, expires_at: null } as const;
    return { customer_id: customerId, ...never, ...TIER_PERMISSIONS.none, expired: false };
  }
  const expired = row.expires_at !== null && row.expires_at.getTime() <= nowMs;
  return { customer_id: customerId, ...termsOf(row), expired };
}

function termsOf(row: ConsentRow) {
  return {
    tier: row.consent_tier,
    version: row.consent_version,
    consented_at: row.consented_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    can_store_images: row.can_store_images,
    can_store_embeddings: row.can_store_embeddings,
    can_use_for_training: row.can_use_for_training,
    anonymization_level: row.anonymization_level,
  };
}

function changeOf(row: ConsentAuditRow): ConsentHistory['changes'][number] {
  return {
    version: row.consent_version,
    action: row.action,
    changed_at: row.changed_at.toISOString(),
    changed_by: row.changed_by,
    request_id: row.request_id,
    reason: row.reason,
    from: row.previous === null ? null : keptTerms(row.previous),
    to: keptTerms(row.current),
  };
}

/** A row as the account keeps it: JSON. One that cannot be read is a fault of ours, not an answer. */
function keptTerms(kept: unknown): ConsentHistory['changes'][number]['to'] {
  const consent = consentOf(kept);
  if (consent === null || consent === 'unknown') throw new Error('an account of a consent cannot be read');
  const { consented_at_ms, expires_at_ms, ...terms } = consent;
  return {
    ...terms,
    consented_at: new Date(consented_at_ms).toISOString(),
    expires_at: expires_at_ms === null ? null : new Date(expires_at_ms).toISOString(),
  };
}
