import { JournalWriter } from '@sinew/journal';
import { afterEach, expect, test, vi } from 'vitest';
import { infer } from '../testing/rest.js';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway | null = null;
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.stop();
  server = null;
});

test('[J1] where the journal drops the record the request ends with journal_full, and no action leaves', async () => {
  server = await startTestGateway();
  vi.spyOn(JournalWriter.prototype, 'append').mockImplementation(() => {});
  const response = await infer(server);
  expect(response.status).toBe(503);
  const body = (await response.json()) as Record<string, unknown>;
  expect(body.error).toBe('journal_full');
  expect(body).not.toHaveProperty('action');
});
