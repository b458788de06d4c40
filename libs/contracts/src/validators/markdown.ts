import { VALIDATORS } from './table.js';
import { QUALITY_GATES } from './validator.js';

/** VALIDATORS.md. */
export function validatorsMarkdown(): string {
  const gates = QUALITY_GATES.map((gate) => {
    const rules = VALIDATORS.filter((validator) => validator.gate === gate).map(({ id }) => `\`${id}\``);
    return `| \`${gate}\` | ${rules.join(', ')} |`;
  });
  const rows = VALIDATORS.map(
    ({ applies, by, field, gate, reason, rule }) =>
      `| \`${field}\` | \`${reason}\` | ${rule.replaceAll('|', '\\|')} | ${applies.join(', ')} | ${gate ?? ''} | ${by} |`,
  );
  return `# What is asked of data

One line a rule, made from \`src/validators\` by \`npm run docs\`. A client is told \`field\` and \`reason\` in its own terms; metrics
(\`vla_validation_failures_total{field,reason}\`) and the table \`quality_gate_failures\` count under the words below.

| field | reason | what must hold | where | gate | decided by |
|---|---|---|---|---|---|
${rows.join('\n')}

## The six quality gates

What breaks one is neither run nor stored, and counts in \`vla_hard_rejections_total{rule}\` as well.

| gate | rules |
|---|---|
${gates.join('\n')}
`;
}
