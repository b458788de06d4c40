/** Every command that prints a result takes it. */
export const JSON_OPTION = {
  json: { type: 'boolean', default: false, help: 'print one line of JSON' },
} as const;
