import { z } from 'zod';

// Shapes that several endpoints share.

const MOST_PAGE_SIZE = 200;
const DEFAULT_PAGE_SIZE = 50;

/** Deep enough for any customer's history, and small enough that an offset stays an integer. */
const MOST_PAGE = 1_000_000;

/** For the document: what is left of a text without the space around it must not be empty, and no database keeps U+0000. */
export const NOT_BLANK = '^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$';

export const Uuid = z.guid().transform((text) => text.toLowerCase());

/** An integer in a path or a query, where it comes as text: digits only, within both ends, which the document shows too. */
const integerText = (minimum: number, maximum: number, message: string) =>
  z
    .string()
    .refine((text) => /^(0|[1-9][0-9]{0,15})$/.test(text) && inside(Number(text), minimum, maximum), message)
    .meta({ type: 'integer', minimum, maximum })
    .transform(Number);

const inside = (n: number, minimum: number, maximum: number): boolean => n >= minimum && n <= maximum;

/** An identifier of an inference in a path: text of digits, an integer that JavaScript holds exactly. */
export const LogIdText = integerText(0, Number.MAX_SAFE_INTEGER, 'must be an integer below 2^53');

/** An identifier of an inference: milliseconds since 2026-01-01, the gateway's node and a sequence in one integer. */
export const LogId = z.int().nonnegative();

export const Timestamp = z.iso.datetime({ offset: true });

/** The name under which a customer knows one of its robots. */
export const RobotId = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -');

const count = (most: number) => integerText(1, most, `must be an integer from 1 to ${most}`);

/** Query parameters of a list in pages. */
export const paging = {
  page: count(MOST_PAGE).default(1),
  per_page: count(MOST_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
};

/** Years that a database's timestamps and a person agree on: 0000 is none of PostgreSQL's, and the end of 9999 lies in 10000. */
const IN_CALENDAR = /^[12]\d{3}-/;

export const Day = z.iso
  .date('must be a day such as 2026-11-06')
  .regex(IN_CALENDAR, 'must be a day such as 2026-11-06')
  .meta({ format: 'date' });

/** A day, or a moment with its offset. */
export const DayOrMoment = z.union(
  [Day, z.iso.datetime({ offset: true }).regex(IN_CALENDAR).meta({ format: 'date-time' })],
  'must be a date such as 2026-11-06, or a time with an offset such as 2026-11-06T10:20:30Z',
);

/** A day means its first moment, UTC. */
const moment = DayOrMoment.transform((text) => new Date(text));

/** A day as an end means all of it. */
const end = DayOrMoment.transform((text) =>
  text.length === 10 ? new Date(Date.parse(text) + 86_400_000) : new Date(text),
);

/** `start_date` is included; of `end_date` a day is included whole, a time is not. */
export const period = { start_date: moment.optional(), end_date: end.optional() };

/** What every list in pages says beside its rows. */
export const page = {
  total_count: z.int().nonnegative(),
  page: z.int().positive(),
  per_page: z.int().positive(),
  has_next: z.boolean(),
};

export const Vector3 = z.tuple([z.number(), z.number(), z.number()]);
