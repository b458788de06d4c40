import { z } from 'zod';
import { route } from './route-contract.js';
import { LogIdText, Timestamp, Uuid } from './shapes.js';

const Counts = z.record(z.string(), z.int().nonnegative());

/** What became of an erasure so far. */
export const ErasureBody = z.object({
  erasure_id: z.guid(),
  customer_id: z.guid(),
  /** Null: everything of the customer. */
  log_id: z.int().nullable(),
  /** What began at this moment or before is erased; what came later is new data. */
  before: Timestamp,
  requested_at: Timestamp,
  finished_at: Timestamp.nullable(),
  status: z.enum(['running', 'complete']),
  /** Rows that are gone, and rows that stay without what was the customer's, by table. */
  tables: z.object({ removed: Counts, blanked: Counts }),
  /** The same of records, a gateway's journal each. */
  journals: z.array(
    z.object({
      journal_id: z.guid(),
      node: z.int().nonnegative(),
      removed: Counts,
      blanked: Counts,
      /** Found as an earlier erasure, or an interrupted one, had left them. */
      removed_before: z.int().nonnegative(),
      /** Damaged places in which nobody can say whose data stood; they are left, and unreadable. */
      unreadable_bytes: z.int().nonnegative(),
    }),
  ),
  kept: z.array(z.object({ what: z.string(), why: z.string() })),
  /** What is still to be done, and where. */
  pending: z.array(
    z.object({
      part: z.enum(['tables', 'journal', 'shipper']),
      journal_id: z.guid().nullable(),
      node: z.int().nonnegative().nullable(),
      last_seen_at: Timestamp.nullable(),
      trouble: z.string().nullable(),
    }),
  ),
  backups: z.string(),
});
export type ErasureBody = z.infer<typeof ErasureBody>;

const ANSWERS = {
  200: { description: 'It is complete', schema: ErasureBody },
  202: { description: 'It is in force, and still being carried out: ask for its report again', schema: ErasureBody },
} as const;

const SHARED = { tag: 'Data rights', access: { kind: 'key', scope: 'admin' } } as const;

export const eraseLogRoute = route({
  ...SHARED,
  operation: 'eraseLog',
  method: 'delete',
  path: '/v1/data/{log_id}',
  summary: 'Erase one inference',
  description:
    'Of one of your own inferences: the log with its action chunk, the feedback on it, its context, the ticks that it moved. Incidents ' +
    'stay, without instruction, actions and the link. Erased once, asking again answers the same report. Needs the scope `admin`: an ' +
    'erasure cannot be undone, and no robot needs one.',
  params: z.object({ log_id: LogIdText }),
  answers: ANSWERS,
  errors: ['not_found', 'unavailable'],
});

export const eraseCustomerRoute = route({
  ...SHARED,
  operation: 'eraseCustomer',
  method: 'delete',
  path: '/admin/customers/{customer_id}/data',
  summary: 'Erase everything of a customer',
  description:
    'Of your own customer, or of any where yours operates the installation. From the answer on nothing of before is stored any more, also ' +
    'not from a journal that is shipped later. Sessions that run go on; what they do from now on is new data. Accounts, keys, consent and ' +
    'what is billed stay. Every request is an erasure of its own.',
  params: z.object({ customer_id: Uuid }),
  answers: ANSWERS,
  errors: ['not_found', 'unavailable'],
});

export const getErasureRoute = route({
  ...SHARED,
  operation: 'getErasure',
  method: 'get',
  path: '/v1/data/erasures/{erasure_id}',
  summary: 'The report of an erasure',
  params: z.object({ erasure_id: Uuid }),
  answers: { 200: { description: 'The report as it stands', schema: ErasureBody } },
  errors: ['not_found', 'unavailable'],
});

export const exportCustomerRoute = route({
  ...SHARED,
  operation: 'exportCustomer',
  method: 'get',
  path: '/admin/customers/{customer_id}/export',
  summary: 'Everything that is kept about a customer',
  description:
    'One JSON object a line: first `export` (whose, and of when), then a line a row with its `kind` and `row` (`customer`, `key`, `consent`, ' +
    '`consent_change`, `session`, `episode`, `log`, `context`, `incident`, `feedback`, `refusal`, `robot_performance`, `usage`, `erasure`), at last ' +
    '`summary` with the number of each. Without the last line it is not complete. Action chunks are base64 of float32 little-endian; keys come ' +
    'without their hashes. Inferences of the last seconds may not be in the database yet.',
  params: z.object({ customer_id: Uuid }),
  answers: { 200: { description: 'The rows, line by line', schema: null, contentType: 'application/x-ndjson' } },
  errors: ['not_found', 'unavailable'],
});

export const DATA_RIGHTS_ROUTES = [eraseLogRoute, eraseCustomerRoute, getErasureRoute, exportCustomerRoute] as const;
