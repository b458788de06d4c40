/** Why a session cannot run under what it asks for: the field of `open` at fault. resolveLimits answers with it, nobody sees it thrown. */
export class LimitsRefusal {
  constructor(
    readonly field: string,
    readonly reason: string,
  ) {}
}
