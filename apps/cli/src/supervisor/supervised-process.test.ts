import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.js';
import { type ProcessEvent, type ProcessSpec, SupervisedProcess } from './supervised-process.js';

const CHILD = fileURLToPath(new URL('test-child.mjs', import.meta.url));

class Harness {
  readonly clock = new FakeClock();
  readonly events: { name: string; event: ProcessEvent }[] = [];
  readonly all: SupervisedProcess[] = [];
  #waiting: (() => void)[] = [];

  process(name: string, mode: string, more: Partial<ProcessSpec> = {}): SupervisedProcess {
    const spec: ProcessSpec = {
      name,
      entry: CHILD,
      environment: () => ({ MODE: mode }),
      readyWithinMs: 30_000,
      stopWithinMs: 1000,
      needs: [],
      ...more,
    };
    const made = new SupervisedProcess(spec, this.clock, (event) => {
      this.events.push({ name, event });
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.all.push(made);
    return made;
  }

  /** The nth event (from 1) of this kind and process, as soon as it has happened. */
  async event<T extends ProcessEvent['type']>(name: string, type: T, nth = 1): Promise<ProcessEvent & { type: T }> {
    for (;;) {
      const found = this.events.filter((e) => e.name === name && e.event.type === type)[nth - 1];
      if (found !== undefined) return found.event as ProcessEvent & { type: T };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

describe('SupervisedProcess', () => {
  let harness = new Harness();
  afterEach(async () => {
    for (const each of harness.all) each.kill();
    await Promise.all(harness.all.map((each) => each.stop()));
    harness = new Harness();
  });

  it('is ready when the child says so, and hands on what it said', async () => {
    const child = harness.process('a', 'ready');
    child.start();
    expect(await child.whenReady()).toMatchObject({ event: 'ready', port: 4242 });
    expect(child.isReady).toBe(true);
  });

  it('restarts a child killed with SIGKILL after 100 ms, with the environment of that moment', async () => {
    let given = 'first';
    const child = harness.process('a', 'ready', { environment: () => ({ MODE: 'ready', GIVEN: given }) });
    child.start();
    expect(await child.whenReady()).toMatchObject({ given: 'first' });
    given = 'second';
    process.kill(child.pid!, 'SIGKILL');
    const { exit, restartInMs } = await harness.event('a', 'exited');
    expect(exit).toMatchObject({ signal: 'SIGKILL', beforeReady: false });
    expect(restartInMs).toBe(100);
    expect(child.isReady).toBe(false);
    harness.clock.advance(100);
    expect(await child.whenReady()).toMatchObject({ given: 'second' });
  });

  it('waits longer for a child that keeps dying, and reports its last words', async () => {
    const child = harness.process('a', 'crash');
    child.start();
    for (const [i, delay] of [100, 200, 400, 800].entries()) {
      const { exit, restartInMs } = await harness.event('a', 'exited', i + 1);
      expect(restartInMs).toBe(delay);
      expect(exit).toMatchObject({ code: 3, beforeReady: true, lastWords: ['cannot open the thing'] });
      harness.clock.advance(delay);
    }
  });

  it('kills a child that never becomes ready, as a crash', async () => {
    const child = harness.process('a', 'mute', { readyWithinMs: 5000 });
    child.start();
    await harness.event('a', 'started');
    harness.clock.advance(5000);
    const { exit } = await harness.event('a', 'exited');
    expect(exit).toMatchObject({ signal: 'SIGKILL', beforeReady: true, lastWords: ['not ready after 5 s'] });
  });

  it('starts only when what it needs is ready', async () => {
    const database = harness.process('database', 'ready');
    const gateway = harness.process('gateway', 'ready', { needs: [database] });
    gateway.start();
    database.start();
    await gateway.whenReady();
    const order = harness.events.filter((e) => e.event.type === 'started' || e.event.type === 'ready');
    expect(order.map((e) => `${e.name} ${e.event.type}`)).toEqual([
      'database started',
      'database ready',
      'gateway started',
      'gateway ready',
    ]);
  });

  it('stops with SIGTERM, for good', async () => {
    const child = harness.process('a', 'ready');
    child.start();
    await child.whenReady();
    await child.stop();
    expect(await harness.event('a', 'exited')).toMatchObject({ exit: { code: 0, signal: null }, restartInMs: null });
    expect(child.pid).toBeNull();
    expect(harness.clock.asleep).toEqual([]);
  });

  it('kills a child that ignores SIGTERM when its time is up', async () => {
    const child = harness.process('a', 'deaf', { stopWithinMs: 1000 });
    child.start();
    await child.whenReady();
    const stopped = child.stop();
    harness.clock.advance(1000);
    await stopped;
    expect(await harness.event('a', 'exited')).toMatchObject({ exit: { signal: 'SIGKILL' } });
  });

  it('can be stopped while it waits for its restart', async () => {
    const child = harness.process('a', 'crash');
    child.start();
    await harness.event('a', 'exited');
    await child.stop();
    expect(harness.events.filter((e) => e.event.type === 'started')).toHaveLength(1);
    expect(harness.clock.asleep).toEqual([]);
  });

  it('a Ctrl-C at the terminal does not reach the child: it leads a process group of its own', async () => {
    const child = harness.process('a', 'ready');
    child.start();
    await child.whenReady();
    // Signalling the group named after the child works only when it leads one.
    process.kill(-child.pid!, 'SIGINT');
    expect(await harness.event('a', 'line')).toMatchObject({ line: { event: 'got-sigint' } });
  });

  it('hands on what the child says through its channel, instead of keeping it', async () => {
    harness.process('a', 'talks').start();
    expect(await harness.event('a', 'line')).toMatchObject({ line: { type: 'status', lag: 7 } });
  });

  it('whoever waits is let go when the waiting is called off', async () => {
    const child = harness.process('a', 'mute');
    child.start();
    const off = new AbortController();
    const waiting = child.whenReady(off.signal);
    off.abort();
    expect(await waiting).toBeUndefined();
  });
});
