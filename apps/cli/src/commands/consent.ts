import { commandRecord, consentEvent, NO_RECORD } from '@sinew/accounts';
import { SETTINGS } from '@sinew/config';
import { accounts, type ConsentAuditRow, type ConsentRow, type Consents, consents } from '@sinew/db';
import {
  ANONYMIZATION_LEVELS,
  CONSENT_TIERS,
  consentOf,
  mayStore,
  permissionsOf,
  STORED_KINDS,
  scrubText,
} from '@sinew/privacy';
import { columns } from '../columns.js';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { type OpenDatabase, withDatabase } from '../instance/open-database.js';
import { JSON_OPTION } from '../json-option.js';

const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What `--deny` takes, and the permission that it takes away. */
const DENIED = {
  images: 'can_store_images',
  embeddings: 'can_store_embeddings',
  training: 'can_use_for_training',
} as const;

export const consent = defineCommand({
  name: 'consent',
  summary: 'What customers allow to be kept beyond what running and billing their robots needs.',
  usage: [
    'consent show CUSTOMER',
    'consent set CUSTOMER --tier research [--deny training] [--anonymization full] [--expires-days N] [--reason TEXT]',
    'consent revoke CUSTOMER [--reason TEXT]',
    'consent audit CUSTOMER [--last N]',
  ],
  options: {
    tier: { type: 'choice', default: null, choices: CONSENT_TIERS, help: 'none, basic: nothing; research: everything' },
    deny: { type: 'list', default: [], help: `what the tier has and is not given: ${Object.keys(DENIED).join(', ')}` },
    anonymization: {
      type: 'choice',
      default: null,
      choices: ANONYMIZATION_LEVELS,
      help: 'full: text is scrubbed in the research tier too',
    },
    expires_days: { type: 'integer', default: null, min: 1, max: 36_500, help: 'when it ends; not set: never' },
    if_version: { type: 'integer', default: null, min: 0, help: 'change it only while it is at this version' },
    reason: { type: 'string', default: null, help: 'kept in the account of the change, without names and numbers' },
    last: { type: 'integer', default: 20, min: 1, max: 100_000, help: 'how many of the newest changes' },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [action, word, ...more] = rest;
    if (word === undefined || more.length > 0 || !isAction(action)) {
      throw new UsageError('say what to do: consent show, set, revoke or audit, and one CUSTOMER', [
        'sinew consent --help',
      ]);
    }
    if (action === 'set' && values.tier === null) throw new UsageError('--tier: say which', ['sinew consent --help']);
    const tier = action === 'set' ? (values.tier ?? 'none') : 'none';
    const wish = permissionsWish(values.deny, values.anonymization);
    const granted = permissionsOf(tier, action === 'set' ? wish : {});
    if (!granted.ok) throw new UsageError(`${granted.field}: ${granted.reason}`);
    return withDatabase(values, 'sinew consent', async (database) => {
      const store = consents(database.pool);
      const customerId = await customerOf(database, word);
      switch (action) {
        case 'show':
          return show((await store.find(customerId)).row, customerId, values.json, terminal);
        case 'audit':
          return audit((await store.audit(customerId, { limit: values.last, offset: 0 })).rows, values.json, terminal);
        case 'set':
        case 'revoke': {
          const ends = action === 'revoke' ? null : values.expires_days;
          const terms = {
            consent_tier: tier,
            expires_at: ends === null ? null : new Date(Date.now() + ends * DAY_MS),
            ...granted.permissions,
          };
          const reason = values.reason === null ? null : scrubText(values.reason);
          const expected = values.if_version === null ? {} : { expected_version: values.if_version };
          const row = await change(store, database, values.data_dir, customerId, { terms, reason, ...expected });
          return show(row, customerId, values.json, terminal);
        }
      }
    });
  },
});

type Change = Pick<Parameters<Consents['change']>[1], 'terms' | 'reason' | 'expected_version'>;

/** Recorded first, as the gateway does. Running gateways see it within seconds by themselves. */
async function change(
  store: Consents,
  { from }: OpenDatabase,
  dataDir: string,
  customerId: string,
  wanted: Change,
): Promise<ConsentRow> {
  const durable = from === 'configured' ? NO_RECORD : commandRecord(dataDir);
  const result = await store.change(
    customerId,
    { ...wanted, at: new Date(), changed_by: null, request_id: null },
    (row, account) => durable.record([consentEvent(row, account)]),
  );
  switch (result.kind) {
    case 'changed':
      return result.row;
    case 'conflict':
      throw new Failure(`nothing was changed: the consent is at version ${result.version}`);
    case 'no_customer':
      throw new Failure(`there is no customer ${customerId}`);
  }
}

async function customerOf({ pool }: OpenDatabase, word: string): Promise<string> {
  const store = accounts(pool);
  const found = UUID.test(word) ? await store.findCustomer(word) : await store.findCustomerByName(word);
  if (found === null) throw new Failure(`there is no customer ${word}`, ['sinew customers list shows them']);
  return found.customer_id;
}

function permissionsWish(deny: readonly string[], anonymization: (typeof ANONYMIZATION_LEVELS)[number] | null) {
  const unknown = deny.filter((word) => !Object.hasOwn(DENIED, word));
  if (unknown.length > 0) throw new UsageError(`--deny takes ${Object.keys(DENIED).join(', ')}`);
  const denied = Object.fromEntries(deny.map((word) => [DENIED[word as keyof typeof DENIED], false]));
  return { ...denied, ...(anonymization === null ? {} : { anonymization_level: anonymization }) };
}

const NEVER = { consent_tier: 'none', consent_version: 0 } as const;

function show(row: ConsentRow | null, customerId: string, json: boolean, terminal: Terminal): number {
  if (json) {
    terminal.out(JSON.stringify(row ?? { customer_id: customerId, ...NEVER }));
    return 0;
  }
  const { consent_tier, consent_version } = row ?? NEVER;
  const now = Date.now();
  const kept = STORED_KINDS.filter((kind) => mayStore(consentOf(row), kind, now)).map((kind) => kind.replace('_', ' '));
  const ends = row?.expires_at ?? null;
  terminal.out(`${consent_tier}, version ${consent_version}${ends === null ? '' : `, ends ${ends.toISOString()}`}`);
  terminal.out(`may be kept now: ${kept.length === 0 ? 'nothing beyond operation' : kept.join(', ')}`);
  return 0;
}

function audit(rows: readonly ConsentAuditRow[], json: boolean, terminal: Terminal): number {
  if (json) {
    terminal.out(JSON.stringify(rows));
    return 0;
  }
  const lines = rows.map((row) => [
    String(row.consent_version),
    row.changed_at.toISOString(),
    row.action,
    `${tierIn(row.previous) ?? '–'} → ${tierIn(row.current) ?? '–'}`,
    row.changed_by ?? 'command line',
    row.request_id ?? '–',
    row.reason ?? '–',
  ]);
  const head = ['version', 'time (UTC)', 'done', 'tier', 'by key', 'request', 'reason'];
  for (const line of rows.length === 0 ? ['no changes'] : columns([head, ...lines])) terminal.out(line);
  return 0;
}

function tierIn(kept: unknown): string | null {
  const known = consentOf(kept);
  return known === null || known === 'unknown' ? null : known.tier;
}

const ACTIONS = ['show', 'set', 'revoke', 'audit'] as const;
const isAction = (text: string | undefined): text is (typeof ACTIONS)[number] =>
  (ACTIONS as readonly (string | undefined)[]).includes(text);
