import type { OpenApiDocument, Operation, Parameter, Response } from './document.js';
import type { JsonSchema } from './json-schema.js';

/** How deep a schema is unfolded; deeper is in the document. */
const DEEPEST = 6;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Plain text with its `code` marked and its paragraphs apart. */
const prose = (text: string): string =>
  text
    .split('\n\n')
    .map((part) => `<p>${escaped(part).replace(/`([^`]+)`/g, '<code>$1</code>')}</p>`)
    .join('');

const pretty = (value: unknown): string => escaped(JSON.stringify(value, null, 2));

/** The document as one page to read: no script, nothing from elsewhere. */
export function documentPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return { name, own };
  });
  const contents = sections
    .map(
      ({ name, own }) =>
        `<li>${escaped(name)}<ul>${own
          .map(
            ({ method, operation, path }) => `<li><a href="#${operation.operationId}">${label(method, path)}</a></li>`,
          )
          .join('')}</ul></li>`,
    )
    .join('');
  const body = sections
    .map(
      ({ name, own }) =>
        `<section><h2>${escaped(name)}</h2>${own.map((each) => operationSection(each, document)).join('')}</section>`,
    )
    .join('');
  const { title, version, description } = document.info;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} API</title><style>${STYLE}</style></head>
<body><nav><h1>${escaped(title)} API</h1><p>Version ${escaped(version)} · <a href="/openapi.json">openapi.json</a></p><ul>${contents}</ul></nav>
<main>${prose(String(description ?? ''))}${body}</main></body></html>
`;
}

const label = (method: string, path: string): string =>
  `<b class="${escaped(method)}">${escaped(method.toUpperCase())}</b> <code>${escaped(path)}</code>`;

function operationSection(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  document: OpenApiDocument,
): string {
  const { description, parameters = [], requestBody, responses, summary } = operation;
  const media = requestBody?.content['application/json'];
  return `<article id="${escaped(operation.operationId)}"><h3>${label(method, path)}</h3><p class="summary">${escaped(summary)}</p>${prose(description ?? '')}${parametersTable(parameters)}${
    media?.schema === undefined ? '' : `<h4>Body</h4>${shape(media.schema, document)}`
  }<h4>Example</h4><pre>${escaped(curl(path, method, operation))}</pre>${responsesOf(responses, document)}</article>`;
}

function curl(path: string, method: string, { parameters = [], requestBody, security }: Operation): string {
  const url = path.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const example = parameters.find((each) => each.in === 'path' && each.name === name)?.schema.example;
    return example === undefined ? `$${name.toUpperCase()}` : String(example);
  });
  const lines = [`curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}"$SINEW_URL${url}"`];
  if (security.length > 0) lines.push('-H "Authorization: Bearer $SINEW_API_KEY"');
  const example = requestBody?.content['application/json'].example;
  if (requestBody !== undefined) {
    lines.push(
      `-H "Content-Type: application/json"`,
      `-d '${example === undefined ? '{…}' : JSON.stringify(example)}'`,
    );
  }
  return lines.join(' \\\n  ');
}

function parametersTable(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    (each) =>
      `<tr><td><code>${escaped(each.name)}</code>${each.required ? ' <i>required</i>' : ''}</td><td>${each.in}</td><td>${typeOf(each.schema)}</td><td>${prose(each.description ?? '')}</td></tr>`,
  );
  return `<h4>Parameters</h4><table>${rows.join('')}</table>`;
}

function responsesOf(responses: Readonly<Record<string, Response>>, document: OpenApiDocument): string {
  return Object.entries(responses)
    .map(([status, { content, description }]) => {
      const [type, media] = Object.entries(content ?? {})[0] ?? [];
      const failed = Number(status) >= 400;
      const body =
        failed || media?.schema === undefined
          ? ''
          : `${shape(media.schema, document)}${media.example === undefined ? '' : `<pre>${pretty(media.example)}</pre>`}`;
      const kind = type === undefined || type === 'application/json' ? '' : ` <code>${escaped(type)}</code>`;
      return `<details${failed ? '' : ' open'}><summary><b>${escaped(status)}</b>${kind}</summary>${prose(description)}${body}</details>`;
    })
    .join('');
}

/** The fields of an object as a table; anything else as its type. */
function shape(schema: JsonSchema, document: OpenApiDocument, depth = 0): string {
  const { followed, many } = unfold(schema, document);
  const properties = Object.entries((followed.properties ?? {}) as Record<string, JsonSchema>);
  if (properties.length === 0) return `<p>${typeOf(schema)}</p>`;
  const required = Array.isArray(followed.required) ? followed.required : [];
  const rows = properties.map(([name, each]) => {
    const inner = unfold(each, document).followed;
    const nested = inner.properties !== undefined && depth < DEEPEST ? shape(each, document, depth + 1) : '';
    const note = typeof each.description === 'string' ? prose(each.description) : '';
    return `<tr><td><code>${escaped(name)}</code>${required.includes(name) ? '' : ' <i>optional</i>'}</td><td>${typeOf(each)}${note}${nested}</td></tr>`;
  });
  return `${many && depth === 0 ? '<p>A list of:</p>' : ''}<table>${rows.join('')}</table>`;
}

/** The object that a schema is, or is a list of. */
function unfold(schema: JsonSchema, document: OpenApiDocument): { followed: JsonSchema; many: boolean } {
  const ref = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
  const followed = ref === undefined ? schema : (document.components.schemas[ref] ?? schema);
  const options = followed.anyOf as readonly JsonSchema[] | undefined;
  const real = options?.filter(({ type }) => type !== 'null');
  if (real?.length === 1 && real[0] !== undefined) return unfold(real[0], document);
  if (followed.type === 'array' && typeof followed.items === 'object') {
    return { followed: unfold(followed.items as JsonSchema, document).followed, many: true };
  }
  return { followed, many: false };
}

function typeOf(schema: JsonSchema): string {
  if (typeof schema.$ref === 'string')
    return `<span class="type">${escaped(schema.$ref.split('/').at(-1) ?? '')}</span>`;
  if (Array.isArray(schema.enum)) return schema.enum.map((each) => `<code>${escaped(String(each))}</code>`).join(' ');
  if (schema.const !== undefined) return `<code>${escaped(String(schema.const))}</code>`;
  if (Array.isArray(schema.anyOf)) return (schema.anyOf as JsonSchema[]).map(typeOf).join(' or ');
  if (schema.type === 'array' && Array.isArray(schema.prefixItems)) {
    return `[${(schema.prefixItems as JsonSchema[]).map(typeOf).join(', ')}]`;
  }
  if (schema.type === 'array') return `list of ${typeOf((schema.items ?? {}) as JsonSchema)}`;
  const bounds = [
    ['from', schema.minimum],
    ['to', schema.maximum],
    ['at least', schema.minLength],
    ['at most', schema.maxLength],
  ]
    .filter(([, value]) => typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER)
    .map(([word, value]) => ` ${word} ${value}`)
    .join('');
  const normal = schema.default === undefined ? '' : `, else <code>${escaped(JSON.stringify(schema.default))}</code>`;
  const kind = String(schema.format ?? schema.type ?? 'anything');
  const characters = schema.minLength === undefined && schema.maxLength === undefined ? '' : ' characters';
  return `<span class="type">${escaped(kind)}</span>${escaped(bounds)}${characters}${normal}`;
}

const STYLE = `
:root{color-scheme:light dark;--fg:#1c2024;--soft:#60646c;--bg:#fff;--box:#f4f5f7;--line:#dfe2e6;--link:#0b62c4}
@media(prefers-color-scheme:dark){:root{--fg:#e6e8eb;--soft:#9ba1a8;--bg:#131517;--box:#1c1f22;--line:#2e3338;--link:#76b3fa}}
*{box-sizing:border-box}body{margin:0;display:flex;font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}code,pre{font:13px/1.5 ui-monospace,monospace}
nav{position:sticky;top:0;height:100vh;overflow:auto;flex:0 0 22rem;padding:1.5rem;border-right:1px solid var(--line)}
nav ul{list-style:none;padding-left:.6rem;margin:.2rem 0}nav>ul{padding:0}nav li{margin:.2rem 0;overflow-wrap:anywhere}nav h1{font-size:1.2rem;margin:0}
main{flex:1;min-width:0;max-width:60rem;padding:1.5rem 2.5rem}article{border-top:1px solid var(--line);padding:1rem 0}
h3 code{font-size:16px}.summary{font-weight:600}p{margin:.4rem 0}table{border-collapse:collapse;width:100%;margin:.4rem 0}
td{border-top:1px solid var(--line);padding:.3rem .8rem .3rem 0;vertical-align:top;text-align:left}td p{color:var(--soft);margin:0}
pre{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.8rem;overflow:auto;white-space:pre-wrap}
i,.type{color:var(--soft);font-style:normal}details{margin:.3rem 0}summary{cursor:pointer}
b.get{color:#1a7f37}b.post{color:#8a5a00}b.put{color:#6f42c1}b.delete{color:#c62828}
@media(prefers-color-scheme:dark){b.get{color:#56d364}b.post{color:#e3b341}b.put{color:#bc8cff}b.delete{color:#ff7b72}}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}main{padding:1rem}}
`;
