import { rm } from 'node:fs/promises';
import { loadBundle } from '@sinew/policy';
import { floats, KserveFake, kserveBundle, OpenpiFake, openpiBundle } from '@sinew/policy/testing';
import type { Action, Hold } from '@sinew/protocol';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { afterEach, expect, test } from 'vitest';
import { monotonicClock } from './clock.js';
import { ModelCatalogue } from './models.js';
import { moving, scriptedModels } from './testing/scripted-models.js';
import type { StreamClient } from './testing/stream-client.js';
import { KEY, OPEN, observation, startTestGateway, type TestGateway } from './testing/test-gateway.js';

interface ModelServer {
  readonly url: string;
  listen(): Promise<unknown>;
  kill(): Promise<void>;
}

const servers: ModelServer[] = [];
let gateway: TestGateway | null = null;
afterEach(async () => {
  await gateway?.stop();
  gateway = null;
  for (const server of servers.splice(0)) await server.kill();
});

/** A slow way to the right, gripper open. */
const chunk = Float32Array.from({ length: 8 * 7 }, (_, i) => (i % 7 === 0 ? 0.001 : i % 7 === 6 ? 1 : 0));

async function gatewayOn(
  dir: string,
  model: string,
  urls: readonly string[],
  token: string | null = null,
): Promise<TestGateway> {
  const settings = { policy_threads: 1, policy_intra_op: 1, batch_max: 4, batch_window_ms: 0, admission: 0.85 };
  const models = await ModelCatalogue.load(
    { ...settings, policies: [dir], remote_urls: `${model}=${urls.join(',')}`, remote_token: token },
    monotonicClock,
    createMetrics(),
    createLogger('gateway', 'silent'),
  );
  await rm(dir, { recursive: true });
  gateway = await startTestGateway({ models, settings: { stale_after_ms: 1_000 } });
  return gateway;
}

async function kserveWorld(count: number): Promise<{ fakes: KserveFake[]; world: TestGateway }> {
  const dir = await kserveBundle({ connections: 1 }, (manifest) => Object.assign(manifest, { batch: { max: 4 } }));
  const { manifest } = await loadBundle(dir);
  const answer = ({ rows }: { rows: number }) =>
    Float32Array.from({ length: rows * chunk.length }, (_, i) => chunk[i % chunk.length] ?? 0);
  const fakes = await Promise.all(Array.from({ length: count }, () => new KserveFake({ manifest, answer }).listen()));
  servers.push(...fakes);
  return {
    fakes,
    world: await gatewayOn(
      dir,
      'tabletop-v1',
      fakes.map(({ url }) => url),
    ),
  };
}

/** Robots that look again at every tick. */
class Fleet {
  readonly clients: StreamClient[] = [];
  readonly #stop: (() => void)[] = [];

  static async start(world: TestGateway, count: number): Promise<Fleet> {
    const fleet = new Fleet();
    for (let i = 0; i < count; i++) {
      // Four actions are left when the next are asked for: 0.8 s, in which a busy machine finds its way to the other server.
      const client = await world.robot({ control_hz: 5, stale_after_ms: 2_000 });
      let seq = 0;
      const look = () => client.send(observation(seq++));
      client.socket.on('message', () => {
        const last = client.received.at(-1);
        if (last !== undefined && isTick(last)) look();
      });
      look();
      fleet.clients.push(client);
      fleet.#stop.push(() => client.terminate());
    }
    return fleet;
  }

  /** Every robot's next `count` ticks. */
  async ticks(count: number): Promise<(Action | Hold)[]> {
    const all = await Promise.all(
      this.clients.map(async (client) => {
        const from = client.received.length;
        const since = () => client.received.slice(from).filter(isTick);
        while (since().length < count) await new Promise((resolve) => client.socket.once('message', resolve));
        return since();
      }),
    );
    return all.flat();
  }

  /** Resolves when the last `count` ticks of every robot were of this type. */
  async nothingBut(type: 'action' | 'hold', count: number): Promise<void> {
    const of = (client: StreamClient) => client.received.filter(isTick).slice(-count);
    for (const client of this.clients)
      while (of(client).length < count || of(client).some((tick) => tick.type !== type))
        await new Promise((resolve) => client.socket.once('message', resolve));
  }

  /** Resolves when every robot was sent one. */
  async each(type: 'action' | 'hold'): Promise<void> {
    await Promise.all(this.clients.map((client) => client.next(type)));
  }

  /** What came before is read. */
  async forget(): Promise<void> {
    for (const client of this.clients) {
      client.send({ type: 'ping', sent_at_ms: 0 });
      await client.next('pong');
    }
  }

  end(): void {
    for (const stop of this.#stop) stop();
  }
}

const isTick = (message: { type: string }): message is Action | Hold =>
  message.type === 'action' || message.type === 'hold';

async function modelStats(world: TestGateway) {
  const answer = await fetch(`${world.http}/v1/models`, { headers: { Authorization: `Bearer ${KEY}` } });
  const { models } = (await answer.json()) as { models: { status: string }[] };
  return models[0];
}

async function kill(world: TestGateway, ...dying: ModelServer[]): Promise<void> {
  await Promise.all(dying.map((server) => server.kill()));
  expect(world.gateway.sessions.size).toBeGreaterThan(0);
}

test('[P15] one of two model servers dies: robots move on without a hold; both: they hold; one back: they move again', async () => {
  const { fakes, world } = await kserveWorld(2);
  const [first, second] = fakes as [KserveFake, KserveFake];
  const fleet = await Fleet.start(world, 3);
  await fleet.each('action');
  await fleet.ticks(5);

  await kill(world, first);
  const after = await fleet.ticks(12);
  expect(after.filter(({ type }) => type === 'hold')).toEqual([]);
  expect(await modelStats(world)).toMatchObject({ status: 'ready' });
  const scraped = await (await fetch(`${world.http}/metrics`)).text();
  expect(scraped).toContain(`vla_policy_server_up{model="tabletop-v1",server="${first.url}"} 0`);
  expect(scraped).toContain(`vla_policy_server_up{model="tabletop-v1",server="${second.url}"} 1`);

  await kill(world, second);
  await fleet.nothingBut('hold', 8);
  expect(await modelStats(world)).toMatchObject({ status: 'failed' });
  // Who comes now is told why, and that it may come again.
  const late = await world.connect();
  late.send({ ...OPEN, robot_id: 'late' });
  expect(await late.next('error')).toMatchObject({ code: 'unavailable', fatal: true });
  expect(await late.closed()).toMatchObject({ code: 4503 });

  await second.listen();
  await fleet.forget();
  await fleet.nothingBut('action', 8);
  const anew = await world.robot({ robot_id: 'late' });
  anew.terminate();
  fleet.end();
});

test('[P15] [Q5] an input that kills its server is tried on one other, and no more; when they are back, robots move on', async () => {
  const { fakes, world } = await kserveWorld(2);
  let deaths = 0;
  for (const fake of fakes)
    fake.before = async ({ tensors }) => {
      if (floats(tensors.state?.bytes).some((value, i) => i % 7 === 1 && Math.abs(value - 0.31) < 1e-6)) {
        deaths++;
        await fake.kill();
      }
    };
  const fleet = await Fleet.start(world, 2);
  await fleet.each('action');
  const poison = await world.robot({ robot_id: 'poison' });
  poison.send(observation(0, { state: Float64Array.from([0, 0.31, 0.2, 0, 0, 0, 1]) }));
  expect(await poison.next('error', ({ code }) => code === 'model_error')).toMatchObject({
    code: 'model_error',
    fatal: false,
  });
  expect(deaths).toBe(2);
  await Promise.all(fakes.map((fake) => fake.listen()));
  await fleet.forget();
  await fleet.each('action');
  fleet.end();
  poison.terminate();
});

test('[P15] [Q6] a gateway whose model servers are away starts, says `loading`, and serves when one is there', async () => {
  const dir = await openpiBundle({ connections: 1 });
  const fake = await new OpenpiFake().listen();
  await fake.kill();
  servers.push(fake);
  const world = await gatewayOn(dir, 'remote-pi', [fake.url]);
  expect(await modelStats(world)).toMatchObject({ status: 'loading' });
  const early = await world.connect();
  early.send(OPEN);
  expect(await early.next('error')).toMatchObject({ code: 'unavailable' });
  await fake.listen();
  while ((await modelStats(world))?.status !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));
  const fleet = await Fleet.start(world, 1);
  await fleet.each('action');
  fleet.end();
});

test('[P16] a gateway may be the policy server of another: what the one plans, the other governs again', async () => {
  const inner = await startTestGateway({ models: await scriptedModels({ run: moving(0.01) }) });
  const url = `${inner.http.replace('http', 'ws')}/v1/openpi?robot_type=franka_panda&workspace=${encodeURIComponent('-0.5,-0.5,0,0.5,0.5,0.6')}`;
  const dir = await openpiBundle({ connections: 1 });
  try {
    const world = await gatewayOn(dir, 'remote-pi', [url], KEY);
    expect(await modelStats(world)).toMatchObject({ status: 'ready' });
    const fleet = await Fleet.start(world, 1);
    await fleet.each('action');
    const [moved] = (await fleet.ticks(5)).filter(({ type }) => type === 'action');
    expect(moved?.values[0]).toBeGreaterThan(0);
    fleet.end();
  } finally {
    await gateway?.stop();
    gateway = null;
    await inner.stop();
  }
});
