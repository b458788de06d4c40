import { expect } from 'vitest';
import { AuditedRobot, type RobotOptions, type RobotReport } from './audited-robot.js';
import type { ChaosInstance } from './chaos-instance.js';
import { until } from './until.js';

/** Robots at one instance, and what must hold of them whatever was done to it. */
export class ChaosFleet {
  readonly #reports: RobotReport[] = [];
  #robots: AuditedRobot[];

  private constructor(
    private readonly instance: ChaosInstance,
    robots: AuditedRobot[],
  ) {
    this.#robots = robots;
  }

  static async start(
    instance: ChaosInstance,
    models: readonly (RobotOptions['model'] | Pick<RobotOptions, 'model' | 'pacing'>)[],
    over: Partial<RobotOptions> = {},
  ): Promise<ChaosFleet> {
    const { ws: url, api_key: apiKey } = instance.ready;
    if (apiKey === null) throw new Error('no key');
    const robots = models.map((model, i) =>
      AuditedRobot.start({
        url,
        apiKey,
        robotId: `arm-${i}`,
        ...(typeof model === 'string' ? { model } : model),
        ...over,
      }),
    );
    return new ChaosFleet(instance, await Promise.all(robots));
  }

  get robots(): readonly AuditedRobot[] {
    return this.#robots;
  }

  get sessions(): string[] {
    return this.#robots.map((robot) => robot.sessionId);
  }

  /** Resolves when the policy has moved every robot for so long, in control periods. */
  async moves(seconds = 0.5): Promise<void> {
    const wanted = this.#robots.map(({ actions, controlHz }) => actions + seconds * controlHz);
    await this.#each(`moves for ${seconds} s`, (robot, i) => robot.actions >= (wanted[i] ?? 0));
  }

  /** What nobody may notice: the same sessions on the same connections, and no robot holds for longer than it moves. */
  async unnoticed(during: () => Promise<unknown>): Promise<void> {
    const seen = () => this.#robots.map(({ id, reconnects, sessionId }) => ({ id, reconnects, sessionId }));
    const held = ({ holds }: AuditedRobot): number => Object.values(holds).reduce((sum, n) => sum + n, 0);
    const counts = this.#robots.map((robot) => ({ robot, held: held(robot), moved: robot.actions }));
    const before = seen();
    await during();
    expect(seen()).toEqual(before);
    for (const { robot, held: heldBefore, moved } of counts) {
      const [more, actions] = [held(robot) - heldBefore, robot.actions - moved];
      // A busy machine starves robots too, for some ticks.
      expect(more, `${robot.id} held ${more} ticks, and moved ${actions}`).toBeLessThan(actions);
    }
  }

  /** Resolves when every robot has held for this reason, or for one of these, so many more times. */
  async holds(reason: string | readonly string[], more = 5): Promise<void> {
    const reasons = typeof reason === 'string' ? [reason] : reason;
    const count = (robot: AuditedRobot): number => reasons.reduce((sum, each) => sum + (robot.holds[each] ?? 0), 0);
    const before = this.#robots.map(count);
    await this.#each(
      `holds ${more} times: ${reasons.join(', ')}`,
      (robot, i) => count(robot) >= (before[i] ?? 0) + more,
    );
  }

  /** Resolves when every robot has found a connection again. A fast one does so between two ticks, and need not hold. */
  async reconnects(): Promise<void> {
    const before = this.#robots.map((robot) => robot.reconnects);
    await this.#each('reconnects', (robot, i) => robot.reconnects > (before[i] ?? 0));
  }

  /** Nothing that a robot was sent, or executed, since this was last asked was out of the envelope or out of date, and none was given up. */
  sound(): void {
    const wrong = this.#robots.flatMap(({ errors, over }) => [
      ...errors.splice(0),
      ...(over === null ? [] : [String(over)]),
    ]);
    // A schedule that failed tells why wherever its message ends up.
    expect(wrong, wrong.join('\n')).toEqual([]);
  }

  async stop(): Promise<RobotReport[]> {
    this.#reports.push(...(await Promise.all(this.#robots.map((robot) => robot.stop()))));
    this.#robots = [];
    return this.#reports;
  }

  stored(): Promise<number> {
    return storedOnce(
      this.instance,
      this.#reports.flatMap(({ logIds }) => logIds),
    );
  }

  async #each(what: string, done: (robot: AuditedRobot, i: number) => boolean): Promise<void> {
    const missing = () => this.#robots.filter((robot, i) => !done(robot, i));
    await until(`every robot ${what}`, () => {
      const given = this.#robots.find(({ over }) => over !== null);
      if (given?.over) throw given.over;
      return missing().length === 0;
    }).catch((error: unknown) => {
      const which = missing().map(({ id, holds, actions }) => `${id} (${actions} actions, ${JSON.stringify(holds)})`);
      throw new Error(`${error instanceof Error ? error.message : error}: ${which.join(', ')}`);
    });
  }
}

/** Every log that a robot was told of is stored, and no log is stored twice. @returns how many it was told of. */
export async function storedOnce(instance: ChaosInstance, logIds: readonly number[]): Promise<number> {
  const told = [...new Set(logIds)];
  const pool = instance.pool();
  try {
    await until('every acknowledged log is stored', async () => {
      const { rows } = await pool.query<{ n: number }>(
        'SELECT count(DISTINCT log_id)::int AS n FROM vlaapi.inference_logs WHERE log_id = ANY ($1)',
        [told],
      );
      return rows[0]?.n === told.length;
    });
    const { rows } = await pool.query(
      'SELECT log_id, count(*)::int AS times FROM vlaapi.inference_logs GROUP BY log_id HAVING count(*) > 1',
    );
    expect(rows).toEqual([]);
  } finally {
    await pool.end();
  }
  return told.length;
}
