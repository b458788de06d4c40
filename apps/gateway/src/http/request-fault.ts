import type { ErrorCode } from '@sinew/protocol';
import type { z } from 'zod';
import { errorReply, type Reply, type ValidationIssue } from './reply.js';

/** A body of thousands of wrong fields is not answered with thousands of lines. */
const MOST_ISSUES = 20;
/** A field's name comes from the client: it is cut where it is repeated. */
const MOST_CHARS = 200;

export type Place = 'body' | 'query' | 'path' | 'header';

/** What came does not fit the endpoint's contract. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly code: ErrorCode;
  readonly place: Place;
  readonly issues: readonly ValidationIssue[];

  constructor(code: ErrorCode, place: Place, issues: readonly ValidationIssue[]) {
    super(issues[0]?.msg ?? 'not valid');
    this.code = code;
    this.place = place;
    this.issues = issues;
  }

  /** A fault with one reason that no schema found. */
  static of(code: ErrorCode, place: Place, field: string, reason: string): RequestFault {
    return new RequestFault(code, place, [{ loc: field === '' ? [place] : [place, field], msg: reason, type: code }]);
  }

  static fromZod(place: Place, error: z.ZodError): RequestFault {
    return new RequestFault(
      'validation_failed',
      place,
      error.issues.flatMap((issue) => issuesOf(place, issue)),
    );
  }

  /** The first field that is wrong. */
  get field(): string {
    return this.issues[0]?.loc.slice(1).join('.') || this.place;
  }

  reply(requestId: string): Reply {
    const first = this.issues[0];
    const { field } = this;
    const reason = first?.msg ?? 'not valid';
    return errorReply(this.code, `${field}: ${reason}`, requestId, {
      field,
      reason,
      issues: this.issues.slice(0, MOST_ISSUES),
    });
  }
}

/** An issue names its field; a field that the contract does not know is named itself, not the object that holds it. */
function issuesOf(place: Place, issue: z.core.$ZodIssue): ValidationIssue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : short(String(part))));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MOST_ISSUES).map((key) => ({
      loc: [place, ...path, short(key)],
      msg: place === 'query' ? 'unknown parameter' : 'unknown field',
      type: issue.code,
    }));
  }
  return [{ loc: [place, ...path], msg: short(issue.message), type: issue.code ?? 'invalid' }];
}

const short = (text: string): string => (text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text);
