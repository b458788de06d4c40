/** The table's rule behind a field that `resolveLimits` refuses. */
export function limitsRule(field: string): string | undefined {
  if (field.endsWith('workspace')) return 'workspace.out_of_reach';
  if (field.startsWith('keep_out')) return 'keep_out.not_kept';
  return field.startsWith('limits') ? 'limits.loosened' : undefined;
}
