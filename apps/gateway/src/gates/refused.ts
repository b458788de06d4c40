import { type ErrorCode, SinewError, type SinewErrorFields } from '@sinew/protocol';

/** A request that a rule on data refuses: what the client is told, and what it is counted under. */
export class Refused extends SinewError {
  readonly rule: string;
  /** Of the registry; null where it is not known, or is what was refused. */
  readonly robotType: string | null;

  constructor(
    rule: string,
    robotType: string | null,
    field: string,
    reason: string,
    { code = 'validation_failed', message, ...more }: SinewErrorFields & { code?: ErrorCode; message?: string } = {},
  ) {
    super(code, message ?? `${field}: ${reason}`, { ...more, field, reason });
    this.rule = rule;
    this.robotType = robotType;
  }
}
