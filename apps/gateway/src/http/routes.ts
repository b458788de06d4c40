import {
  detailedHealthRoute,
  getRobotRoute,
  healthRoute,
  listModelsRoute,
  listRobotsRoute,
  metricsRoute,
} from '@sinew/contracts';
import { robotProfile } from '@sinew/control';
import { findRobot, nearestRobots, ROBOTS } from '@sinew/robots';
import type { Metrics } from '@sinew/telemetry';
import { errorMessage } from '../error-message.js';
import type { ModelCatalogue } from '../models.js';
import type { GatewayStatus } from '../status.js';
import { bind, type Route } from './bind.js';
import { errorReply, json } from './reply.js';

export interface RouteDeps {
  readonly models: ModelCatalogue;
  readonly metrics: Metrics;
  readonly status: GatewayStatus;
  /** Rejects when the database does not answer. */
  readonly pingDatabase: () => Promise<void>;
}

/** What tells about the gateway and what it serves. */
export function informationRoutes({ models, metrics, status, pingDatabase }: RouteDeps): Route[] {
  return [
    bind(healthRoute, () => {
      const phase = status.phase();
      return json({ status: phase === 'ready' ? 'healthy' : phase }, phase === 'ready' ? 200 : 503);
    }),
    bind(detailedHealthRoute, async () => {
      const database = await pingDatabase().then(
        () => ({ status: 'healthy' }),
        (error: unknown) => ({ status: 'unavailable', reason: errorMessage(error) }),
      );
      return json({
        status: status.phase() === 'ready' ? 'healthy' : status.phase(),
        components: {
          database,
          journal: status.journal(),
          models: Object.fromEntries(
            [...models].map(({ description, scheduler, status }) => [
              description.id,
              { status, capacity: scheduler.capacity(), ...scheduler.stats() },
            ]),
          ),
          sessions: status.sessions(),
        },
      });
    }),
    bind(metricsRoute, async () => {
      status.refreshGauges();
      return { status: 200, body: await metrics.registry.metrics(), contentType: metrics.registry.contentType };
    }),
    bind(listModelsRoute, () =>
      json({
        models: [...models].map(({ description, bundle, status }) => ({
          ...description,
          status,
          license: bundle.manifest.license,
          control_hz: bundle.manifest.control_hz,
          execute: bundle.execute,
          blend: bundle.manifest.blend,
          smoothing: bundle.manifest.smoothing,
          embodiments: bundle.manifest.embodiments,
        })),
      }),
    ),
    bind(listRobotsRoute, () =>
      json({
        robots: ROBOTS.map(({ id, aliases, vendor, model, dof, reach_m, payload_kg, geometry }) => ({
          id,
          aliases,
          vendor,
          model,
          dof,
          reach_m,
          payload_kg,
          has_geometry: geometry !== null,
        })),
      }),
    ),
    bind(getRobotRoute, ({ params, requestId }) => {
      const robot = findRobot(params.id);
      if (robot !== undefined) return json({ ...robot, ...robotProfile(robot) });
      return errorReply('not_found', `robot "${params.id}" is not in the registry`, requestId, {
        field: 'id',
        reason: 'not in the registry',
        details: { nearest: nearestRobots(params.id) },
      });
    }),
  ];
}
