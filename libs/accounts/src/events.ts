import {
  type AccountEvent,
  type ConsentEvent,
  type CustomerEvent,
  type ErasureEvent,
  type FeedbackEvent,
  type KeyEvent,
  RECORD_VERSION,
} from '@sinew/journal';

// Account events as they are recorded: rows as the database keeps them, dates as it reads them.

interface Row {
  readonly customer_id: string;
}
/** For rows written down where they are used. */
type AnyRow = Row & { readonly [column: string]: unknown };

export const customerEvent = (action: 'create' | 'update', row: Row | AnyRow): CustomerEvent => ({
  ...head(row.customer_id),
  event: 'customer',
  data: { action, row: columnsOf(row) },
});

/** `update` and `revoke` name only what they change, beside `key_id`. */
export const keyEvent = (
  action: KeyEvent['data']['action'],
  { customer_id, ...rest }: Row & { readonly key_id: string; readonly [column: string]: unknown },
): KeyEvent => ({
  ...head(customer_id),
  event: 'key',
  data: { action, row: columnsOf(action === 'create' ? { customer_id, ...rest } : rest) },
});

/** A row of `customer_data_consent`, and the row of `customer_consent_audit` that accounts for it. */
export const consentEvent = (row: Row | AnyRow, audit: Row | AnyRow): ConsentEvent => ({
  ...head(row.customer_id),
  event: 'consent',
  data: { row: columnsOf(row), audit: columnsOf(audit) },
});

/** A row of `feedback`, with its `feedback_id`. */
export const feedbackEvent = (row: Row | AnyRow): FeedbackEvent => ({
  ...head(row.customer_id),
  event: 'feedback',
  data: { action: 'create', row: columnsOf(row) },
});

/** A row of `erasures`. */
export const erasureEvent = (row: Row | AnyRow): ErasureEvent => ({
  ...head(row.customer_id),
  event: 'erase',
  data: { row: columnsOf(row) },
});

const ACCOUNT_EVENTS: ReadonlySet<string> = new Set<AccountEvent['event']>([
  'customer',
  'key',
  'consent',
  'feedback',
  'erase',
]);

export const isAccountEvent = (record: { readonly kind: string; readonly event?: string }): record is AccountEvent =>
  record.kind === 'event' && record.event !== undefined && ACCOUNT_EVENTS.has(record.event);

const head = (customerId: string) =>
  ({
    v: RECORD_VERSION,
    kind: 'event',
    log_id: null,
    t_ms: Date.now(),
    session_id: null,
    customer_id: customerId,
    robot_id: null,
    episode: null,
  }) as const;

const columnsOf = (row: object): Record<string, unknown> => JSON.parse(JSON.stringify(row)) as Record<string, unknown>;
