import type { AccountAdministration, KeyWish, MadeKey } from '@sinew/accounts';
import { SETTINGS } from '@sinew/config';
import {
  type Accounts,
  accounts,
  CUSTOMER_TIERS,
  type Customer,
  type CustomerTier,
  KEY_SCOPES,
  type KeyInfo,
  type KeyScope,
  ROBOT_SCOPES,
} from '@sinew/db';
import { columns } from '../columns.js';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { administrationOf, withDatabase } from '../instance/open-database.js';
import { JSON_OPTION } from '../json-option.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const keys = defineCommand({
  name: 'keys',
  summary: 'API keys. Only their hash is stored: a key is shown once, when it is made.',
  usage: [
    'keys create NAME [--customer NAME_OR_ID] [--tier pro] [--operator] [--scopes stream,infer] [--expires-days N]',
    'keys list',
    'keys rotate KEY_ID [--grace-minutes N] [--expires-days N]',
    'keys revoke KEY_ID',
  ],
  options: {
    customer: { type: 'string', default: 'demo', help: 'whose key it is; made when new' },
    tier: { type: 'choice', default: null, choices: CUSTOMER_TIERS, help: 'tier of the customer; a new one is free' },
    operator: { type: 'boolean', default: false, help: 'the customer may administer all others' },
    scopes: { type: 'list', default: [...ROBOT_SCOPES], help: `what it may do: ${KEY_SCOPES.join(', ')}` },
    expires_days: { type: 'integer', default: null, min: 1, max: 3650, help: 'when it ends; not set: never' },
    grace_minutes: {
      type: 'integer',
      default: 60,
      min: 0,
      max: 43_200,
      help: 'rotate: how long the old key still works',
    },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [action, word, ...more] = rest;
    if (more.length > 0) throw new UsageError(`one name at a time, not "${more.join(' ')}"`);
    const on = (use: (store: Accounts, administration: AccountAdministration) => Promise<number>): Promise<number> =>
      withDatabase(values, 'sinew keys', (database) =>
        use(accounts(database.pool), administrationOf(database, values.data_dir)),
      );
    const expires_at = values.expires_days === null ? null : new Date(Date.now() + values.expires_days * DAY_MS);
    if (action === 'create' && word !== undefined) {
      const scopes = values.scopes.filter(isScope);
      if (scopes.length < values.scopes.length) throw new UsageError(`--scopes are ${KEY_SCOPES.join(', ')}`);
      const rank = { tier: values.tier, operator: values.operator };
      return on(async (store, administration) => {
        const customer = await ranked(store, administration, values.customer, rank);
        return show(await administration.createKey(customer, wishOf(word, scopes, expires_at)), values.json, terminal);
      });
    }
    if (action === 'list' && word === undefined) return on((store) => list(store, values.json, terminal));
    if (action === 'rotate' && word !== undefined) {
      const wish = {
        grace_ms: values.grace_minutes * MINUTE_MS,
        ...(values.expires_days === null ? {} : { expires_at }),
      };
      return on(async (store, administration) => {
        const rotated = await administration.rotateKey(await known(store, word), wish);
        if (rotated.kind !== 'rotated') throw new Failure(`key ${word} was revoked or has expired`, [HOW_TO_LIST]);
        if (!values.json) terminal.err(`${word} works until ${rotated.old_expires_at.toISOString()}`);
        return show(rotated.key, values.json, terminal, { old_expires_at: rotated.old_expires_at });
      });
    }
    if (action === 'revoke' && word !== undefined) {
      return on(async (store, administration) => {
        const key = await known(store, word);
        const revoked = (await administration.revokeKey(key))?.now ?? false;
        if (values.json) terminal.out(JSON.stringify({ key_id: word, revoked }));
        else terminal.out(revoked ? `revoked ${word} (${key.name})` : `${word} was revoked before`);
        return 0;
      });
    }
    throw new UsageError('say what to do: keys create NAME, keys list, keys rotate KEY_ID, or keys revoke KEY_ID', [
      'sinew keys --help',
    ]);
  },
});

const HOW_TO_LIST = 'sinew keys list shows their ids';

const wishOf = (name: string, scopes: readonly KeyScope[], expires_at: Date | null): KeyWish => ({
  name,
  scopes,
  expires_at,
});

/** The customer of this id; or of this name, made when new. Raised to what was asked for. */
async function ranked(
  store: Accounts,
  administration: AccountAdministration,
  name: string,
  { tier, operator }: { readonly tier: CustomerTier | null; readonly operator: boolean },
): Promise<Customer> {
  const wish = { ...(tier === null ? {} : { tier }), ...(operator ? { is_operator: true } : {}) };
  // Nobody calls a customer so: an id that is not there must not become the name of a new one.
  const found = UUID.test(name) ? await store.findCustomer(name) : await administration.customerNamed(name, wish);
  if (found === null) throw new Failure(`there is no customer ${name}`, ['sinew customers list shows them']);
  const fits = (tier === null || found.tier === tier) && (!operator || found.is_operator);
  const customer = fits ? found : await administration.updateCustomer(found.customer_id, wish);
  if (customer === null) throw new Failure(`the customer ${name} was just deleted`, ['try again']);
  return customer;
}

/** The key alone on stdout, for scripts. */
function show(made: MadeKey, json: boolean, terminal: Terminal, more: object = {}): number {
  if (json) terminal.out(JSON.stringify({ ...made, ...more }));
  else {
    terminal.out(made.key);
    terminal.err(`key ${made.key_id} (${made.name}); shown this once, keep it`);
  }
  return 0;
}

async function list(store: Accounts, json: boolean, terminal: Terminal): Promise<number> {
  const all = await store.listKeys();
  if (json) {
    terminal.out(JSON.stringify(all));
    return 0;
  }
  const rows = all.map((key) => [
    key.key_id,
    `${key.key_prefix}…`,
    key.customer_name,
    key.name,
    key.scopes.join(','),
    key.created_at.toISOString().slice(0, 10),
    state(key, new Date()),
  ]);
  const head = ['key id', 'key', 'customer', 'name', 'scopes', 'made', 'state'];
  for (const line of columns([head, ...rows])) terminal.out(line);
  return 0;
}

async function known(store: Accounts, keyId: string): Promise<KeyInfo> {
  const key = (await store.listKeys()).find((each) => each.key_id === keyId);
  if (key === undefined) throw new Failure(`there is no key ${keyId}`, [HOW_TO_LIST]);
  return key;
}

function state(key: KeyInfo, now: Date): string {
  if (key.revoked_at !== null) return `revoked ${key.revoked_at.toISOString().slice(0, 10)}`;
  if (key.expires_at === null) return 'valid';
  const day = key.expires_at.toISOString().slice(0, 10);
  return key.expires_at < now ? `expired ${day}` : `valid until ${day}`;
}

const isScope = (text: string): text is KeyScope => (KEY_SCOPES as readonly string[]).includes(text);
