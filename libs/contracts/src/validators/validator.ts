/**
 * The hard rules, by the name that `vla_hard_rejections_total` counts them under: what breaks one of them is neither run nor
 * stored, whatever else is right about it.
 */
export const QUALITY_GATES = [
  'robot_type',
  'action_vector',
  'safety_score',
  'duplicate',
  'instruction',
  'image',
] as const;
export type QualityGate = (typeof QUALITY_GATES)[number];

/**
 * Where a rule is asked: `open` and `stream` (a session's first message, the later ones), `rest`, `policy` (what a model
 * answers), `journal` (what is shipped), `jobs`.
 */
export const PLACES = ['open', 'stream', 'rest', 'policy', 'journal', 'jobs'] as const;
export type Place = (typeof PLACES)[number];

/** One rule on one field. What decides stands once, in the package and function that `by` names. */
export interface Validator {
  /** `field.reason`. */
  readonly id: string;
  /** As metrics and `quality_gate_failures` name it, wherever it stands in a request. */
  readonly field: string;
  /** What must hold. */
  readonly rule: string;
  /** In a word, for labels: never free text. A client is told the details beside it. */
  readonly reason: string;
  readonly applies: readonly Place[];
  readonly gate: QualityGate | null;
  /** `package: function` of the one implementation. */
  readonly by: string;
}

export type Row = readonly [
  field: string,
  reason: string,
  rule: string,
  applies: readonly Place[],
  by: string,
  gate?: QualityGate,
];

export function validators(rows: readonly Row[]): Validator[] {
  return rows.map(([field, reason, rule, applies, by, gate]) => ({
    id: `${field}.${reason}`,
    field,
    rule,
    reason,
    applies,
    gate: gate ?? null,
    by,
  }));
}
