import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { README_URL } from './readme-table.js';
import { SETTINGS } from './settings.js';

const FOLDER = new URL('../../../monitoring/', import.meta.url);
const text = readFileSync(new URL('docker-compose.yml', FOLDER), 'utf8');
const variables = readFileSync(new URL('.env.example', FOLDER), 'utf8').matchAll(/^([A-Z_]+)=(.*)$/gm);
const example = new Map([...variables].map(([, name = '', value = '']) => [name, value]));

interface Service {
  readonly image: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}
const { services, volumes } = parse(text) as Compose;

test('there are PostgreSQL with pgvector, Redis 7 and MinIO, each of a fixed version and with a health check', () => {
  expect(Object.keys(services)).toEqual(['postgres', 'redis', 'minio']);
  expect(services.postgres?.image).toMatch(/^pgvector\/pgvector:pg1[5-9]$/);
  expect(services.redis?.image).toMatch(/^redis:7/);
  for (const { healthcheck, image } of Object.values(services)) {
    expect(image).toMatch(/^[a-z/]+:(?!latest)[A-Za-z0-9.-]+$/);
    expect(healthcheck.test.length).toBeGreaterThan(1);
  }
});

test('ports are on loopback only, and what is kept is in named volumes', () => {
  const used = new Set<string>();
  for (const service of Object.values(services)) {
    for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const volume of service.volumes) {
      expect(volume).toMatch(/^[a-z]+:\//);
      used.add(volume.split(':')[0] ?? '');
    }
  }
  expect([...used].sort()).toEqual(Object.keys(volumes).sort());
});

test('Redis evicts nothing and asks for its password', () => {
  const command = services.redis?.command?.join(' ');
  expect(command).toContain('--maxmemory-policy noeviction');
  expect(command).toContain('--requirepass "$$REDISCLI_AUTH"');
});

test('passwords come from .env, which has each of them, and none is in the file or in the example', () => {
  for (const { environment } of Object.values(services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|AUTH/.test(name)) expect(value, name).toMatch(/^\$\{[A-Z_]+:\?.+\}$/);
    }
  }
  const wanted = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
  expect([...example.keys()].sort()).toEqual([...new Set(wanted)].sort());
  expect([...example.values()].every((value) => value === '')).toBe(true);
});

test('the README’s way to production names the file, its variables and the settings they go into, with the right ports', () => {
  const readme = readFileSync(README_URL, 'utf8');
  const start = readme.indexOf('## From embedded to production');
  const section = readme.slice(start, readme.indexOf('\n## ', start + 1));
  expect(section).toContain('monitoring/docker-compose.yml');
  for (const name of ['POSTGRES_PASSWORD', 'REDIS_PASSWORD']) {
    expect(example.has(name)).toBe(true);
    expect(section).toContain(`$${name}@`);
  }
  for (const { env } of [SETTINGS.database_url, SETTINGS.redis_url]) expect(section).toContain(`${env}=`);
  const { POSTGRES_DB, POSTGRES_USER } = services.postgres?.environment ?? {};
  const hostPort = (name: string): string => (services[name]?.ports[0] ?? '').split(':').slice(0, 2).join(':');
  expect(section).toContain(`postgres://${POSTGRES_USER}:$POSTGRES_PASSWORD@${hostPort('postgres')}/${POSTGRES_DB}`);
  expect(section).toContain(`redis://:$REDIS_PASSWORD@${hostPort('redis')}`);
});
