import type { AccountAdministration, CustomerChange, MadeKey } from '@sinew/accounts';
import {
  type CustomerBody,
  createCustomerRoute,
  createKeyRoute,
  type KeyBody,
  type KeyScope,
  listCustomersRoute,
  listKeysRoute,
  type NewKeyBody,
  revokeKeyRoute,
  rotateKeyRoute,
  updateCustomerRoute,
} from '@sinew/contracts';
import { type Accounts, type Customer, type KeyInfo, ROBOT_SCOPES } from '@sinew/db';
import { SinewError } from '@sinew/protocol';
import type { Logger } from '@sinew/telemetry';
import { mayAdminister, type Principal } from '../auth.js';
import { bind, type Route } from './bind.js';
import { created, json } from './reply.js';

export interface AccountRouteDeps {
  readonly store: Pick<Accounts, 'findCustomer' | 'findKey' | 'pageOfCustomers' | 'pageOfKeys'>;
  readonly administration: Pick<
    AccountAdministration,
    'createCustomer' | 'createKey' | 'revokeKey' | 'rotateKey' | 'updateCustomer'
  >;
  /**
   * Tells every gateway that what it knows of this key, or of this customer's keys, is old; what it rejects with changes no
   * answer, as gateways look for themselves every few seconds.
   */
  readonly changed: (id: string) => Promise<void>;
  readonly log: Logger;
}

/** `/admin/keys` and `/admin/customers`. Every change is recorded and made before it is answered. */
export function accountRoutes(deps: AccountRouteDeps): Route[] {
  const { administration, log, store } = deps;
  const tell = (id: string): Promise<void> =>
    deps.changed(id).catch((error: unknown) => log.warn({ err: error }, 'other gateways were not told'));
  return [
    bind(createKeyRoute, async ({ body, principal, requestId }) => {
      const customer = await administered(store, principal, body.customer_id ?? principal.customerId);
      const scopes = body.scopes ?? ROBOT_SCOPES.filter((scope) => principal.operator || principal.scopes.has(scope));
      if (scopes.length === 0)
        throw invalid('scopes', 'name at least one: the key that asks has none that robots need');
      mayGrant(principal, scopes);
      const expires_at = future('expires_at', body.expires_at) ?? null;
      const made = await administration.createKey(customer, { name: body.name, scopes, expires_at });
      log.info(
        { ...audit(principal, requestId), made: made.key_id, customer_id: made.customer_id, scopes },
        'key made',
      );
      return created(newKeyBody(made));
    }),

    bind(listKeysRoute, async ({ principal, query }) => {
      const { customer_id, page, per_page } = query;
      if (customer_id !== undefined && !mayAdminister(principal, customer_id)) throw noCustomer();
      const customerId = customer_id ?? (principal.operator ? null : principal.customerId);
      const { rows, total } = await store.pageOfKeys({ customerId, limit: per_page, offset: (page - 1) * per_page });
      return json({ keys: rows.map(keyBody), ...pageOf(page, per_page, total) });
    }),

    bind(revokeKeyRoute, async ({ params, principal, requestId }) => {
      const key = await administeredKey(store, principal, params.key_id);
      const revoked = await administration.revokeKey(key);
      if (revoked === null) throw noKey();
      log.info({ ...audit(principal, requestId), revoked: key.key_id, customer_id: key.customer_id }, 'key revoked');
      await tell(key.key_id);
      return json({ key_id: key.key_id, revoked: revoked.now, revoked_at: revoked.revoked_at.toISOString() });
    }),

    bind(rotateKeyRoute, async ({ body, params, principal, requestId }) => {
      const key = await administeredKey(store, principal, params.key_id);
      mayGrant(principal, key.scopes);
      const expires_at = future('expires_at', body.expires_at);
      const wish = { grace_ms: body.grace_seconds * 1_000, ...(expires_at === undefined ? {} : { expires_at }) };
      const rotated = await administration.rotateKey(key, wish);
      if (rotated.kind !== 'rotated') {
        throw rotated.kind === 'missing' ? noKey() : invalid('key_id', 'was revoked or has expired; make a new key');
      }
      const { key: made, old_expires_at } = rotated;
      log.info({ ...audit(principal, requestId), made: made.key_id, replaced: key.key_id }, 'key rotated');
      await tell(key.key_id);
      return created({ ...newKeyBody(made), old_expires_at: old_expires_at.toISOString() });
    }),

    bind(listCustomersRoute, async ({ principal, query }) => {
      const { page, per_page } = query;
      const customerId = principal.operator ? null : principal.customerId;
      const found = await store.pageOfCustomers({ customerId, limit: per_page, offset: (page - 1) * per_page });
      return json({ customers: found.rows.map(customerBody), ...pageOf(page, per_page, found.total) });
    }),

    bind(createCustomerRoute, async ({ body, principal, requestId }) => {
      if (!principal.operator) throw forOperators();
      const { name, tier, is_operator, limits, record_sessions } = body;
      const customer = await administration.createCustomer({
        name,
        ...(tier === undefined ? {} : { tier }),
        ...(is_operator === undefined ? {} : { is_operator }),
        ...(limits === undefined ? {} : { limits }),
        ...(record_sessions === undefined ? {} : { record_sessions }),
      });
      log.info({ ...audit(principal, requestId), customer_id: customer.customer_id }, 'customer made');
      return created(customerBody(customer));
    }),

    bind(updateCustomerRoute, async ({ body, params, principal, requestId }) => {
      const { customer_id } = params;
      if (!mayAdminister(principal, customer_id)) throw noCustomer();
      const change = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      mayChange(principal, customer_id, change);
      const customer = await administration.updateCustomer(customer_id, change);
      if (customer === null) throw noCustomer();
      log.info({ ...audit(principal, requestId), customer_id, changed: Object.keys(change) }, 'customer changed');
      await tell(customer_id);
      return json(customerBody(customer));
    }),
  ];
}

type Store = AccountRouteDeps['store'];

/** Whoever may not administer a customer does not learn whether there is one. */
async function administered(store: Store, principal: Principal, customerId: string): Promise<Customer> {
  const customer = mayAdminister(principal, customerId) ? await store.findCustomer(customerId) : null;
  if (customer === null) throw noCustomer();
  return customer;
}

async function administeredKey(store: Store, principal: Principal, keyId: string): Promise<KeyInfo> {
  const key = await store.findKey(keyId, principal.operator ? null : principal.customerId);
  if (key === null) throw noKey();
  return key;
}

/** A key hands on what it has. Operators hand on everything: they could make themselves such a key. */
function mayGrant(principal: Principal, scopes: readonly string[]): void {
  const beyond = scopes.filter((scope) => !principal.scopes.has(scope));
  if (principal.operator || beyond.length === 0) return;
  throw new SinewError('forbidden', `The key lacks ${beyond.map((scope) => `\`${scope}\``).join(', ')} itself`, {
    field: 'scopes',
    reason: 'a key grants no scope that it lacks',
  });
}

/** Nobody raises its own tier or limits, or fills the operators' disk, and the last operator cannot lock everybody out. */
function mayChange(principal: Principal, customerId: string, change: CustomerChange): void {
  if (!principal.operator) {
    const own = ['name', ...(change.record_sessions === false ? ['record_sessions'] : [])];
    if (Object.keys(change).some((field) => !own.includes(field))) throw forOperators();
    return;
  }
  if (customerId !== principal.customerId) return;
  if (change.is_active === false) throw invalid('is_active', 'an operator cannot deactivate itself');
  if (change.is_operator === false) throw invalid('is_operator', 'an operator cannot take this from itself');
}

/** Undefined where it was not given; null: never. */
function future(field: string, text: string | null | undefined): Date | null | undefined {
  if (text === undefined || text === null) return text;
  const at = new Date(text);
  if (at.getTime() <= Date.now()) throw invalid(field, 'must be in the future');
  // By its offset a moment of 9999 can be one of 10000, which has no such text.
  if (at.getUTCFullYear() > 9_999) throw invalid(field, 'is too far away');
  return at;
}

const audit = (principal: Principal, requestId: string) => ({
  request_id: requestId,
  by_key: principal.keyId,
  by_customer: principal.customerId,
});

const noCustomer = () => new SinewError('not_found', 'There is no such customer', { field: 'customer_id' });
const noKey = () => new SinewError('not_found', 'There is no such key', { field: 'key_id' });
const forOperators = () => new SinewError('forbidden', 'This is for the operators of the installation');
const invalid = (field: string, reason: string) =>
  new SinewError('validation_failed', `${field}: ${reason}`, { field, reason });

const pageOf = (page: number, per_page: number, total: number) => ({
  total_count: total,
  page,
  per_page,
  has_next: page * per_page < total,
});

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

const keyBody = (key: KeyInfo): KeyBody => ({
  key_id: key.key_id,
  customer_id: key.customer_id,
  name: key.name,
  key_prefix: key.key_prefix,
  scopes: key.scopes as KeyScope[],
  created_at: key.created_at.toISOString(),
  expires_at: iso(key.expires_at),
  revoked_at: iso(key.revoked_at),
  last_used_at: iso(key.last_used_at),
  rotated_from: key.rotated_from,
});

const newKeyBody = ({ key, ...made }: MadeKey): NewKeyBody => ({
  ...keyBody({ ...made, customer_name: '', revoked_at: null, last_used_at: null }),
  key,
});

const customerBody = (customer: Customer): CustomerBody => ({
  customer_id: customer.customer_id,
  name: customer.name,
  tier: customer.tier,
  is_active: customer.is_active,
  is_operator: customer.is_operator,
  limits: customer.limits,
  record_sessions: customer.record_sessions,
  created_at: customer.created_at.toISOString(),
});
