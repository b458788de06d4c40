import type { AccountAdministration, CustomerChange } from '@sinew/accounts';
import { SETTINGS } from '@sinew/config';
import { LimitOverrides } from '@sinew/contracts';
import { type Accounts, accounts, CUSTOMER_TIERS, type Customer } from '@sinew/db';
import { columns } from '../columns.js';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { administrationOf, withDatabase } from '../instance/open-database.js';
import { JSON_OPTION } from '../json-option.js';

const MOST = 1_000_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const customers = defineCommand({
  name: 'customers',
  summary: 'Customers: their tier, their limits, whether they are active.',
  usage: [
    'customers list',
    'customers create NAME [--tier pro] [--operator yes] [--limits sessions=20]',
    'customers update NAME_OR_ID [--rename NAME] [--tier pro] [--active no] [--operator no] [--limits none]',
    'customers record NAME_OR_ID on|off',
  ],
  options: {
    rename: { type: 'string', default: null, help: 'another name' },
    tier: { type: 'choice', default: null, choices: CUSTOMER_TIERS, help: 'what it pays for; a new one is free' },
    operator: { type: 'choice', default: null, choices: ['yes', 'no'], help: 'whether it may administer all others' },
    active: { type: 'choice', default: null, choices: ['yes', 'no'], help: 'no: its keys work no longer' },
    limits: {
      type: 'list',
      default: [],
      help: `limits of its own: ${Object.keys(LimitOverrides.shape).join('=N, ')}=N; none: those of its tier`,
    },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [action, word, ...more] = rest;
    const recording = action === 'record' ? onOrOff(more.shift()) : null;
    if (more.length > 0) throw new UsageError(`one customer at a time, not "${more.join(' ')}"`);
    const on = (use: (store: Accounts, administration: AccountAdministration) => Promise<number>): Promise<number> =>
      withDatabase(values, 'sinew customers', (database) =>
        use(accounts(database.pool), administrationOf(database, values.data_dir)),
      );
    const change: CustomerChange = {
      ...(values.rename === null ? {} : { name: values.rename }),
      ...(values.tier === null ? {} : { tier: values.tier }),
      ...(values.operator === null ? {} : { is_operator: values.operator === 'yes' }),
      ...(values.active === null ? {} : { is_active: values.active === 'yes' }),
      ...(values.limits.length === 0 ? {} : { limits: limitsOf(values.limits) }),
      ...(recording === null ? {} : { record_sessions: recording }),
    };
    if (action === 'list' && word === undefined) {
      return on(async (store) => {
        const page = await store.pageOfCustomers({ customerId: null, offset: 0, limit: MOST });
        return show(page.rows, values.json, terminal, true);
      });
    }
    if (action === 'create' && word !== undefined) {
      if (values.active !== null || values.rename !== null)
        throw new UsageError('a new customer has its name, and is active');
      return on(async (store, administration) => {
        // Commands name customers: two of one name could not be told apart.
        if ((await store.findCustomerByName(word)) !== null) throw new Failure(`there is a customer ${word} already`);
        return show([await administration.createCustomer({ ...change, name: word })], values.json, terminal);
      });
    }
    if ((action === 'update' || action === 'record') && word !== undefined) {
      if (Object.keys(change).length === 0) throw new UsageError('say what to change', ['sinew customers --help']);
      return on(async (store, administration) => {
        const known = UUID.test(word) ? await store.findCustomer(word) : await store.findCustomerByName(word);
        const updated = known === null ? null : await administration.updateCustomer(known.customer_id, change);
        if (updated === null) throw new Failure(`there is no customer ${word}`, ['sinew customers list shows them']);
        return show([updated], values.json, terminal);
      });
    }
    throw new UsageError('say what to do: customers list, customers create NAME, or customers update NAME', [
      'sinew customers --help',
    ]);
  },
});

/** Of its sessions from the next one on. */
function onOrOff(word: string | undefined): boolean {
  if (word === 'on' || word === 'off') return word === 'on';
  throw new UsageError('customers record NAME_OR_ID on, or off');
}

/** `sessions=20,monthly_inferences=none` */
function limitsOf(words: readonly string[]): LimitOverrides | null {
  if (words.length === 1 && words[0] === 'none') return null;
  const entries = words.map((word) => {
    const [name = '', text = ''] = word.split('=');
    return [name, text === 'none' ? null : text === '' ? Number.NaN : Number(text)];
  });
  const parsed = LimitOverrides.safeParse(Object.fromEntries(entries));
  if (parsed.success) return parsed.data;
  throw new UsageError(
    parsed.error.issues.map(({ path, message }) => `--limits ${path.join('.')}: ${message}`).join('\n'),
  );
}

function show(rows: readonly Customer[], json: boolean, terminal: Terminal, list = false): number {
  if (json) {
    terminal.out(JSON.stringify(list ? rows : rows[0]));
    return 0;
  }
  const head = ['customer id', 'name', 'tier', 'active', 'operator', 'recorded', 'limits', 'made'];
  const lines = rows.map((row) => [
    row.customer_id,
    row.name,
    row.tier,
    row.is_active ? 'yes' : 'no',
    row.is_operator ? 'yes' : 'no',
    row.record_sessions ? 'yes' : 'no',
    row.limits === null ? 'of its tier' : JSON.stringify(row.limits),
    row.created_at.toISOString().slice(0, 10),
  ]);
  for (const line of columns([head, ...lines])) terminal.out(line);
  return 0;
}
