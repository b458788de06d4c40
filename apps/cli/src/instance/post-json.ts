import { Failure } from '../failure.js';

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One JSON request to a gateway; a gateway that does not answer is a failure in words. */
export async function postJson(url: string, key: string, body: unknown): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
  } catch (error) {
    throw new Failure(`${url} does not answer: ${reasonOf(error)}`, ['is the gateway running there? (npm start)']);
  }
  const parsed: unknown = await response.json().catch(() => null);
  if (typeof parsed !== 'object' || parsed === null) {
    throw new Failure(`${url} answered ${response.status} without JSON`, ['is that address a Sinew gateway?']);
  }
  return { ok: response.ok, status: response.status, body: parsed as Record<string, unknown> };
}

/** fetch hides why it failed in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
