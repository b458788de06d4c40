import { allowedText, defaultText, envOf, flagOf, type Option, type OptionTable } from './option.js';
import { SETTINGS } from './settings.js';

/** The options of a command as `--help` prints them: aligned, one an entry, with what is allowed and the default. */
export function helpText(table: OptionTable, width = 100): string {
  const rows = Object.entries(table).map(([name, option]) => ({
    left: `  ${leftOf(name, option)}`,
    right: `${option.help}${detail(name, option)}`,
  }));
  const column = Math.min(32, Math.max(...rows.map((row) => row.left.length), 0) + 2);
  return rows
    .map(({ left, right }) => {
      const lines = wrap(right, Math.max(30, width - column));
      const head = left.length + 2 > column ? `${left}\n${' '.repeat(column)}` : left.padEnd(column);
      return head + lines.join(`\n${' '.repeat(column)}`);
    })
    .join('\n');
}

/** The settings table of the README. */
export function markdownTable(table: OptionTable = SETTINGS): string {
  const rows = Object.entries(table).map(([name, option]) => {
    const shown = defaultText(option);
    return `| \`${flagOf(name)}\` | \`${envOf(name, option)}\` | ${shown === '' ? '' : `\`${shown}\``} | ${option.help} |`;
  });
  return ['| flag | environment | default | what it is |', '|---|---|---|---|', ...rows].join('\n');
}

function leftOf(name: string, option: Option): string {
  if (option.type !== 'boolean') return `${flagOf(name)} ${placeholder(option)}`;
  return option.default === true ? flagOf(`no_${name}`) : flagOf(name);
}

function placeholder(option: Option): string {
  switch (option.type) {
    case 'integer':
    case 'number':
      return 'N';
    case 'path':
      return 'PATH';
    case 'url':
      return 'URL';
    case 'list':
      return 'A,B';
    default:
      return 'X';
  }
}

function detail(name: string, option: Option): string {
  const parts: string[] = [];
  if (option.type === 'choice') parts.push(allowedText(option));
  const shown = defaultText(option);
  if (shown !== '' && option.type !== 'boolean') parts.push(`default ${shown}`);
  parts.push(envOf(name, option));
  return ` [${parts.join('; ')}]`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
