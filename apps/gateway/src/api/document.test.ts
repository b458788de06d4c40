import { Validator } from '@seriousme/openapi-schema-validator';
import { ALL_ROUTES, documentPage, openApiDocument } from '@sinew/contracts';
import { expect, test } from 'vitest';
import { bind } from '../http/bind.js';
import { json } from '../http/reply.js';
import { mount } from '../http/router.js';

const document = openApiDocument(ALL_ROUTES, { version: '1.2.3' });

test('the document fits the meta-schema of OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('every route stands in it, under a name of its own', () => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(
    ALL_ROUTES.map(({ operation }) => operation).sort(),
  );
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

test.each(ALL_ROUTES.map((route) => [route.operation, route] as const))('%s: its example fits', (_name, route) => {
  const { answers, body, example } = route;
  if (body !== undefined) expect(body.safeParse(example?.body).error?.issues).toBeUndefined();
  const [first] = Object.values(answers);
  if (example?.answer !== undefined) expect(first?.schema?.safeParse(example.answer).error?.issues).toBeUndefined();
});

test('every parameter of a path has its schema, and every schema its place', () => {
  for (const { params, path } of ALL_ROUTES) {
    const names = [...path.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1]);
    const shape = params === undefined ? {} : (params as unknown as { shape: object }).shape;
    expect(Object.keys(shape).sort(), path).toEqual(names.sort());
  }
});

test('numbers in paths and queries are documented as they are judged, to their last one', () => {
  const range = { page: [1, 1_000_000], per_page: [1, 200], log_id: [0, Number.MAX_SAFE_INTEGER] } as const;
  const parameters = ALL_ROUTES.flatMap((route) =>
    (document.paths[route.path]?.[route.method]?.parameters ?? []).map((parameter) => ({ route, parameter })),
  ).filter(({ parameter }) => parameter.name in range);
  expect(new Set(parameters.map(({ parameter }) => parameter.name))).toEqual(new Set(Object.keys(range)));
  for (const { parameter, route } of parameters) {
    const { name, schema } = parameter;
    const [least, most] = range[name as keyof typeof range];
    expect(schema, `${route.operation} ${name}`).toMatchObject({ type: 'integer', minimum: least, maximum: most });
    expect(schema).not.toHaveProperty('pattern');
    const takes = (text: string): boolean =>
      (parameter.in === 'path' ? route.params : route.query)?.safeParse({ [name]: text }).success ?? false;
    for (const text of [least, most].map(String)) expect(takes(text), `${route.operation} ${name}=${text}`).toBe(true);
    for (const text of [String(least - 1), String(BigInt(most) + 1n), '', ' 1', '1.5', '1e1', '0x1', '01', '+1', 'one'])
      expect(takes(text), `${route.operation} ${name}=${text}`).toBe(false);
  }
});

test('days of years that no database has, or only by their offset, are refused', () => {
  const dated = ALL_ROUTES.filter(({ operation }) =>
    ['listSessions', 'listLogs', 'getUsage', 'listFeedback', 'feedbackStatistics'].includes(operation),
  );
  expect(dated).toHaveLength(5);
  for (const { operation, query } of dated) {
    const takes = (start_date: string): boolean => query?.safeParse({ start_date }).success ?? false;
    expect(takes('2026-11-06'), operation).toBe(true);
    for (const day of ['0000-01-01', '0999-12-31', '3000-01-01', '9999-12-31', '2026-02-30'])
      expect(takes(day), `${operation} ${day}`).toBe(false);
  }
});

test('vectors are lists of numbers of one length, as every reader of schemas takes them', () => {
  expect(JSON.stringify(document)).not.toContain('prefixItems');
  const body = document.paths['/v1/inference']?.post?.requestBody?.content['application/json'].schema;
  expect(body).toMatchObject({
    properties: {
      robot_config: {
        properties: {
          workspace: { properties: { min: { type: 'array', items: { type: 'number' }, minItems: 3, maxItems: 3 } } },
        },
      },
    },
  });
});

test('a text that must say something is documented so', () => {
  for (const [operation, name] of [
    ['createKey', 'name'],
    ['createCustomer', 'name'],
    ['setConsent', 'reason'],
    ['clearEstop', 'reason'],
    ['reportFailure', 'failure_reason'],
  ] as const) {
    const route = ALL_ROUTES.find((each) => each.operation === operation);
    const content = document.paths[route?.path ?? '']?.[route?.method ?? 'get']?.requestBody?.content;
    const schema = content?.['application/json']?.schema as { properties: Record<string, { pattern: string }> };
    const pattern = new RegExp(schema.properties[name]?.pattern ?? '^$', 'u');
    expect(
      [' \t\n', 'a\0', ' why '].map((text) => pattern.test(text)),
      operation,
    ).toEqual([false, false, true]);
  }
});

test('the page shows every endpoint, and nothing in it runs or comes from elsewhere', () => {
  const page = documentPage(document);
  for (const { operation, path } of ALL_ROUTES) {
    expect(page).toContain(`id="${operation}"`);
    expect(page).toContain(path);
  }
  expect(page).not.toMatch(/<script|<link|<img|<iframe|\bon[a-z]+=|url\(|@import/i);
  expect(page).toContain('prefers-color-scheme:dark');
});

test('a text that looks like markup is text on the page', () => {
  const [route] = ALL_ROUTES;
  if (route === undefined) throw new Error('there are no routes');
  const page = documentPage(openApiDocument([{ ...route, summary: '<img src=x onerror=alert(1)>' }], { version: '1' }));
  expect(page).not.toContain('<img');
  expect(page).toContain('&#60;img');
});

test('nothing is mounted that is not among the routes', () => {
  const [route] = ALL_ROUTES;
  if (route === undefined) throw new Error('there are no routes');
  const app = { get: () => app, any: () => app };
  const stranger = bind({ ...route, operation: 'stranger' }, () => json({}));
  expect(() => mount(app as never, [stranger], {} as never)).toThrow('stranger is not among ALL_ROUTES');
});
