/**
 * The statements of an SQL text, as the first words of each: enough to know COPY, LISTEN and the like before the backend
 * sees them. A word inside a string, a quoted name or a comment is not a word. Follows PostgreSQL's lexer for
 * '…' with '' , E'…' with backslashes, "…", $tag$…$tag$, -- and nested comments (standard_conforming_strings = on).
 */
export interface Statement {
  /** Upper case; a quoted identifier stands as `"name"`, unescaped; `*` and `;`-free punctuation as itself. At most 8. */
  readonly words: readonly string[];
}

const MAX_WORDS = 8;
const TOKEN =
  /\s+|--[^\n]*|\/\*|(?:[eE])'(?:[^'\\]|\\[\s\S]|'')*'?|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w.]*|;|[\s\S]/gy;

export function scanStatements(sql: string): Statement[] {
  const statements: Statement[] = [];
  let words: string[] = [];
  let empty = true;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(sql); found !== null; found = TOKEN.exec(sql)) {
    const token = found[0];
    const first = token.charAt(0);
    if (/^\s/.test(token) || token.startsWith('--')) continue;
    if (token === '/*') {
      TOKEN.lastIndex = endOfComment(sql, TOKEN.lastIndex);
      continue;
    }
    if (token === ';') {
      if (!empty) statements.push({ words });
      words = [];
      empty = true;
      continue;
    }
    empty = false;
    if (first === '$' && token.endsWith('$') && token.length >= 2) {
      const end = sql.indexOf(token, TOKEN.lastIndex);
      TOKEN.lastIndex = end < 0 ? sql.length : end + token.length;
      if (words.length < MAX_WORDS) words.push("''");
      continue;
    }
    if (words.length >= MAX_WORDS) continue;
    if (first === '"') words.push(`"${token.slice(1, token.endsWith('"') ? -1 : undefined).replaceAll('""', '"')}"`);
    else if (first === "'" || /^[eE]'/.test(token)) words.push("''");
    else words.push(token.toUpperCase());
  }
  if (!empty) statements.push({ words });
  return statements;
}

/** Comments nest in SQL. Answers the index after the comment whose opening ended at `at`. */
function endOfComment(sql: string, at: number): number {
  let depth = 1;
  const edge = /\/\*|\*\//g;
  edge.lastIndex = at;
  for (let found = edge.exec(sql); found !== null; found = edge.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return sql.length;
}

export interface Refusal {
  readonly code: '0A000';
  readonly message: string;
  readonly hint: string;
}

/** Statements that the one shared backend session cannot serve: refused before it sees them. */
export function refusedStatement(statement: Statement): Refusal | null {
  const [first, second] = statement.words;
  switch (first) {
    case 'COPY':
      return {
        code: '0A000',
        message: 'COPY is not supported by the embedded database',
        hint: 'Insert batches with INSERT … SELECT * FROM jsonb_to_recordset($1), or set DATABASE_URL to a PostgreSQL server.',
      };
    case 'PREPARE':
    case 'DEALLOCATE':
    case 'DISCARD':
      return {
        code: '0A000',
        message: `${first}${second === undefined ? '' : ` ${second}`} is not supported by the embedded database`,
        hint: 'All connections share one backend session; use prepared statements of the wire protocol.',
      };
    default:
      return null;
  }
}

export type ListenAction =
  | { readonly kind: 'listen'; readonly channel: string }
  | { readonly kind: 'unlisten'; readonly channel: string }
  | { readonly kind: 'unlisten_all' };

/** What a completed statement did to its connection's subscriptions. Unquoted names fold to lower case, as in PostgreSQL. */
export function listenAction(statement: Statement): ListenAction | null {
  const [first, name] = statement.words;
  if ((first !== 'LISTEN' && first !== 'UNLISTEN') || name === undefined) return null;
  if (first === 'UNLISTEN' && name === '*') return { kind: 'unlisten_all' };
  const channel = name.startsWith('"') ? name.slice(1, -1) : name.toLowerCase();
  return { kind: first === 'LISTEN' ? 'listen' : 'unlisten', channel };
}
