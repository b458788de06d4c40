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
