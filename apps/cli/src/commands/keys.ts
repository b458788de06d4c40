import { SETTINGS } from '@sinew/config';
import { type Accounts, accounts, KEY_SCOPES, type KeyInfo, type KeyScope } from '@sinew/db';
import { columns } from '../columns.js';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { JournaledAccounts } from '../instance/account-journal.js';
import { withDatabase } from '../instance/open-database.js';
import { JSON_OPTION } from '../json-option.js';

const DAY_MS = 86_400_000;

export const keys = defineCommand({
  name: 'keys',
  summary: 'API keys. Only their hash is stored: a key is shown once, when it is made.',
  usage: [
    'keys create NAME [--customer NAME] [--scopes stream,infer] [--expires-days N]',
    'keys list',
    'keys revoke KEY_ID',
  ],
  options: {
    customer: { type: 'string', default: 'demo', help: 'whose key it is; made when new' },
    scopes: { type: 'list', default: ['stream', 'infer'], help: `what it may do: ${KEY_SCOPES.join(', ')}` },
    expires_days: { type: 'integer', default: null, min: 1, max: 3650, help: 'when it ends; not set: never' },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [action, word, ...more] = rest;
    if (more.length > 0) throw new UsageError(`one name at a time, not "${more.join(' ')}"`);
    const on = (use: (store: Accounts, journaled: JournaledAccounts) => Promise<number>): Promise<number> =>
      withDatabase(values, 'sinew keys', ({ pool, from }) => {
        const store = accounts(pool);
        return use(store, new JournaledAccounts(pool, from === 'configured' ? null : values.data_dir));
      });
    if (action === 'create' && word !== undefined) {
      const scopes = values.scopes.filter(isScope);
      if (scopes.length < values.scopes.length) throw new UsageError(`--scopes are ${KEY_SCOPES.join(', ')}`);
      const expires_at = values.expires_days === null ? null : new Date(Date.now() + values.expires_days * DAY_MS);
      return on((_, journaled) =>
        create(journaled, values.customer, { name: word, scopes, expires_at }, values.json, terminal),
      );
    }
    if (action === 'list' && word === undefined) return on((store) => list(store, values.json, terminal));
    if (action === 'revoke' && word !== undefined)
      return on((store, journaled) => revoke(store, journaled, word, values.json, terminal));
    throw new UsageError('say what to do: keys create NAME, keys list, or keys revoke KEY_ID', ['sinew keys --help']);
  },
});

interface KeyWish {
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly expires_at: Date | null;
}

async function create(
  store: JournaledAccounts,
  customerName: string,
  wish: KeyWish,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const customer = await store.customerNamed(customerName);
  const made = await store.createKey(customer, wish);
  if (json) {
    terminal.out(JSON.stringify({ ...made, ...wish }));
    return 0;
  }
  terminal.out(made.key);
  terminal.err(`key ${made.key_id} of customer ${customer.name}; shown this once, keep it`);
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

async function revoke(
  store: Accounts,
  journaled: JournaledAccounts,
  keyId: string,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const known = (await store.listKeys()).find((key) => key.key_id === keyId);
  if (known === undefined) throw new Failure(`there is no key ${keyId}`, ['sinew keys list shows their ids']);
  const revoked = await journaled.revokeKey(known);
  if (json) terminal.out(JSON.stringify({ key_id: keyId, revoked }));
  else terminal.out(revoked ? `revoked ${keyId} (${known.name})` : `${keyId} was revoked before`);
  return 0;
}

function state(key: KeyInfo, now: Date): string {
  if (key.revoked_at !== null) return `revoked ${key.revoked_at.toISOString().slice(0, 10)}`;
  if (key.expires_at === null) return 'valid';
  const day = key.expires_at.toISOString().slice(0, 10);
  return key.expires_at < now ? `expired ${day}` : `valid until ${day}`;
}

const isScope = (text: string): text is KeyScope => (KEY_SCOPES as readonly string[]).includes(text);
