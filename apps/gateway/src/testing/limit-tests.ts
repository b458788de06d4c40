import { createHash } from 'node:crypto';
import type { SharedState } from '@sinew/cache';
import type { LimitOverrides } from '@sinew/contracts';
import type { FreshOpen, ResumeOpen } from '@sinew/protocol';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { infer, inferenceRequest } from './rest.js';
import type { StreamClient } from './stream-client.js';
import { KEY, OPEN, OTHER_KEY, observation, startTestGateway, type TestGateway } from './test-gateway.js';

export interface SharedStates {
  /** Each gateway's own view of one state. */
  readonly a: SharedState;
  readonly b: SharedState;
  /** Everything that is kept in it, as text; null where nobody can look. */
  contents(): Promise<string | null>;
  close(): Promise<void>;
}

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

// biome-ignore lint/suspicious/noExplicitAny: answers are checked field by field
const bodyOf = async (response: Response): Promise<any> => response.json();

/** What two gateways hold a customer to together. */
export function registerLimitTests(openStates: () => Promise<SharedStates>): void {
  describe('two gateways', () => {
    let states: SharedStates;
    let a: TestGateway;
    let b: TestGateway;
    const used = new Map<string, number>();

    beforeEach(async () => {
      used.clear();
      states = await openStates();
      [a, b] = await Promise.all([
        startTestGateway({ shared: states.a, used }),
        startTestGateway({ shared: states.b, used }),
      ]);
    });
    afterEach(async () => {
      await Promise.all([a.stop(), b.stop()]);
      await states.close();
    });

    /** The single limits of the customer of `KEY`. */
    const limit = (limits: LimitOverrides): string => {
      let customerId = '';
      for (const { keys } of [a, b]) {
        const row = keys.get(hashOf(KEY));
        if (row === undefined) throw new Error('no such key');
        keys.set(hashOf(KEY), { ...row, tier: 'free', limits });
        customerId = row.customer_id;
      }
      return customerId;
    };
    const metric = async (server: TestGateway, line: string): Promise<number> => {
      const text = await (await fetch(`${server.http}/metrics`)).text();
      return Number(
        text
          .split('\n')
          .find((each) => each.startsWith(`${line} `))
          ?.slice(line.length + 1) ?? 0,
      );
    };
    const refusedOpen = async (server: TestGateway, open: Partial<FreshOpen> = {}) => {
      const client = await server.connect();
      client.send({ ...OPEN, ...open });
      const error = await client.next('error');
      return { error, close: await client.closed() };
    };
    const rateOf = ({ headers, status }: Response) => ({
      status,
      limit: headers.get('RateLimit-Limit'),
      remaining: headers.get('RateLimit-Remaining'),
      reset: Number(headers.get('RateLimit-Reset')),
    });

    test('answer a customer’s requests up to its rate, say what is left, and refuse the next with when to come again', async () => {
      limit({ requests_per_minute: 4 });
      const answers: Response[] = [];
      for (const server of [a, b, a, b, a]) answers.push(await infer(server, {}));
      expect(answers.map(rateOf)).toEqual([
        { status: 422, limit: '4', remaining: '3', reset: 15 },
        { status: 422, limit: '4', remaining: '2', reset: expect.any(Number) },
        { status: 422, limit: '4', remaining: '1', reset: expect.any(Number) },
        { status: 422, limit: '4', remaining: '0', reset: expect.any(Number) },
        { status: 429, limit: '4', remaining: '0', reset: expect.any(Number) },
      ]);
      const refused = answers[4] as Response;
      const retry = Number(refused.headers.get('Retry-After'));
      expect(retry).toBeGreaterThanOrEqual(1);
      expect(retry).toBeLessThanOrEqual(15);
      expect(await bodyOf(refused)).toMatchObject({ error: 'rate_limited', status_code: 429 });
      expect(rateOf(await infer(b, {}, OTHER_KEY)).status).toBe(422);
      expect(await metric(a, 'vla_rate_limited_total{scope="requests"}')).toBe(1);
      const open = await fetch(`${a.http}/health`);
      expect(open.headers.get('RateLimit-Limit')).toBeNull();
    });

    test('[W2] open a customer’s sessions up to its limit over both, and one more when one is closed', async () => {
      limit({ sessions: 2 });
      const first = await a.robot();
      await b.robot();
      for (const server of [a, b]) {
        const { error, close } = await refusedOpen(server);
        expect(error).toMatchObject({ code: 'session_limit', fatal: true });
        expect(close.code).toBe(4429);
      }
      expect(await metric(b, 'vla_rate_limited_total{scope="sessions"}')).toBe(1);
      await a.robot({}, OTHER_KEY);
      first.send({ type: 'close' });
      await first.closed();
      await a.robot();
      expect((await refusedOpen(a)).error.code).toBe('session_limit');
    });

    test('[S7] a resumed session keeps its place and takes no second one; what is refused at open keeps none', async () => {
      limit({ sessions: 1 });
      expect((await refusedOpen(a, { robot_type: 'no such robot' })).error.code).toBe('unknown_robot');
      const client = await a.connect();
      client.send(OPEN);
      const { session_id, resume_token } = await client.next('opened');
      client.terminate();
      const resume: ResumeOpen = { type: 'open', resume: { session_id, token: resume_token } };
      const again = await a.connect();
      again.send(resume);
      expect((await again.next('opened')).session_id).toBe(session_id);
      expect((await refusedOpen(b)).error.code).toBe('session_limit');
    });

    test('a robot whose gateway is gone takes its own place again on the other, and no other robot does', async () => {
      limit({ sessions: 1 });
      await a.robot({ robot_id: 'arm-1' });
      expect((await refusedOpen(b, { robot_id: 'arm-2' })).error.code).toBe('session_limit');
      // Refused for something else, it has not given the place back that it still holds on the first one.
      const { error } = await refusedOpen(b, { robot_id: 'arm-1', robot_type: 'no such robot' });
      expect(error.code).toBe('unknown_robot');
      expect((await refusedOpen(b, { robot_id: 'arm-2' })).error.code).toBe('session_limit');
      await b.robot({ robot_id: 'arm-1' });
    });

    test('frames that are sent before `opened` is there are not lost', async () => {
      limit({});
      const client = await a.connect();
      client.send(OPEN);
      for (let i = 0; i < 5; i++) client.send({ type: 'ping', sent_at_ms: i });
      await client.next('opened');
      for (let i = 0; i < 5; i++) expect((await client.next('pong')).sent_at_ms).toBe(i);
    });

    const floods = (client: StreamClient, frames: number): void => {
      for (let i = 0; i < frames; i++) client.send({ type: 'ping', sent_at_ms: i });
    };

    test('[W6] frames over a customer’s rate are dropped and counted over all of its sessions, an e-stop never', async () => {
      limit({ frames_per_second: 20 });
      const [one, two, other] = [await a.robot(), await a.robot(), await a.robot({}, OTHER_KEY)];
      two.send(observation(1));
      await two.next('hold');
      floods(one, 15);
      floods(two, 15);
      const notice = await two.next('notice');
      expect(notice).toMatchObject({ code: 'rate_limited', message: expect.stringContaining('customer') });
      two.send({ type: 'estop' });
      await two.next('hold', ({ reason }) => reason === 'estop');
      floods(other, 15);
      for (let i = 0; i < 15; i++) await other.next('pong');
      expect(await metric(a, 'vla_rate_limited_total{scope="frames"}')).toBeGreaterThanOrEqual(5);
      expect(await metric(a, 'vla_stream_frames_limited_total')).toBeGreaterThanOrEqual(5);
    });

    test('a month’s inferences begin at what is stored and are one count: over it nothing new is opened or answered', async () => {
      const customerId = limit({ monthly_inferences: 3 });
      used.set(customerId, 1);
      expect((await infer(a)).status).toBe(200);
      expect((await infer(b)).status).toBe(200);
      const refused = await infer(a);
      expect(refused.status).toBe(429);
      expect(await bodyOf(refused)).toMatchObject({ error: 'quota_exceeded', details: { limit: 3, used: 3 } });
      const { error, close } = await refusedOpen(b);
      expect(error).toMatchObject({ code: 'quota_exceeded', fatal: true });
      expect(close.code).toBe(4429);
      expect((await infer(a, inferenceRequest(), OTHER_KEY)).status).toBe(200);
      expect(await metric(a, 'vla_rate_limited_total{scope="quota"}')).toBe(1);
    });

    test('a session that runs goes on when the month’s inferences are used up, and hears of it once', async () => {
      limit({ monthly_inferences: 2 });
      const client = await a.robot();
      let seq = 0;
      const camera = setInterval(() => client.send(observation(++seq)), 50);
      await client.next('notice', ({ code }) => code === 'quota_exceeded');
      const newest = client.received.reduce((most, m) => (m.type === 'action' ? Math.max(most, m.log_id) : most), 0);
      await client.next('action', ({ log_id }) => log_id > newest);
      expect((await refusedOpen(b)).error.code).toBe('quota_exceeded');
      clearInterval(camera);
      const notices = client.received.filter((m) => m.type === 'notice' && m.code === 'quota_exceeded');
      expect(notices).toHaveLength(1);
    });

    test('a request that names itself is run once and answered again word for word, on either gateway', async () => {
      const request = { ...inferenceRequest(), request_id: uuidv7() };
      const first = await infer(a, request);
      expect(first.status).toBe(200);
      expect(first.headers.get('Idempotent-Replayed')).toBeNull();
      const text = await first.text();
      for (const server of [a, b]) {
        const again = await infer(server, { ...request, request_id: request.request_id.toUpperCase() });
        expect([again.status, again.headers.get('Idempotent-Replayed')]).toEqual([200, 'true']);
        expect(await again.text()).toBe(text);
      }
      expect(await metric(b, 'vla_deduplication_hits_total')).toBe(1);
      const another = await infer(a, { ...request, instruction: 'pick up the blue cube' });
      expect([another.status, await bodyOf(another)]).toMatchObject([409, { error: 'duplicate', field: 'request_id' }]);
      const others = await infer(b, request, OTHER_KEY);
      expect([others.status, others.headers.get('Idempotent-Replayed')]).toEqual([200, null]);
      const records = [...(await a.journaled()), ...(await b.journaled())];
      const ran = records.filter((r) => r.kind === 'inference' && r.request_id === request.request_id);
      expect(ran).toHaveLength(2);
      const kept = await states.contents();
      if (kept !== null) {
        expect(kept).toContain(JSON.stringify(JSON.parse(text).log_id));
        expect(kept).not.toContain(request.image.slice(30, 90));
        expect(kept).not.toContain('vla_live_');
      }
    });

    test('the same request at once on both is run by one and a duplicate for the other', async () => {
      const request = { ...inferenceRequest(), request_id: uuidv7() };
      const answers = await Promise.all([infer(a, request), infer(b, request), infer(a, request), infer(b, request)]);
      const fresh = answers.filter(
        ({ headers, status }) => status === 200 && headers.get('Idempotent-Replayed') === null,
      );
      expect(fresh).toHaveLength(1);
      const rest = answers.filter((answer) => !fresh.includes(answer));
      for (const answer of rest) {
        if (answer.status === 409)
          expect(await bodyOf(answer)).toMatchObject({ error: 'duplicate', field: 'request_id' });
        else expect(answer.headers.get('Idempotent-Replayed')).toBe('true');
      }
    });

    test('what was refused before it ran may be sent again under the same id', async () => {
      const request_id = uuidv7();
      expect((await infer(a, { ...inferenceRequest('go'), request_id })).status).toBe(422);
      expect((await infer(b, { ...inferenceRequest(), request_id })).status).toBe(200);
    });
  });
}
