import {
  getLogRoute,
  getSessionRoute,
  type LogDetail,
  type LogSummary,
  listLogsRoute,
  listSessionsRoute,
  type SessionSummary,
} from '@sinew/contracts';
import type { History } from '@sinew/db';
import { logIdTimeMs } from '@sinew/journal';
import { SinewError } from '@sinew/protocol';
import { bind, type Route } from './bind.js';
import { json } from './reply.js';

/** What the caller's robots did. */
export function historyRoutes(history: History): Route[] {
  return [
    bind(listSessionsRoute, async ({ principal, query }) => {
      const { active, robot_id: robotId } = query;
      const { rows, total } = await history.sessions(principal.customerId, { ...rangeOf(query), active, robotId });
      return json({ sessions: rows.map(sessionSummary), ...pageOf(query, total) });
    }),
    bind(getSessionRoute, async ({ params, principal }) => {
      const found = await history.session(principal.customerId, params.session_id);
      if (found === null) throw new SinewError('not_found', `There is no session ${params.session_id}`);
      const { client, counters, environment, epoch, limits } = found.session;
      return json({
        ...sessionSummary(found.session),
        epoch,
        limits,
        environment,
        client,
        counters,
        episode_count: found.episodeCount,
        episodes: found.episodes.map((each) => ({
          episode: each.episode,
          instruction: each.instruction,
          instruction_category: each.instruction_category,
          started_at: each.started_at,
          ended_at: each.ended_at,
          ticks: each.ticks,
          success: each.success,
          first_log_id: each.first_log_id,
          last_log_id: each.last_log_id,
        })),
      });
    }),
    bind(listLogsRoute, async ({ principal, query }) => {
      const { robot_id: robotId, session_id: sessionId } = query;
      const { rows, total } = await history.logs(principal.customerId, { ...rangeOf(query), robotId, sessionId });
      return json({ logs: rows.map(logSummary), ...pageOf(query, total) });
    }),
    bind(getLogRoute, async ({ params: { log_id }, principal }) => {
      const row = await history.log(principal.customerId, log_id, new Date(logIdTimeMs(log_id)));
      if (row === null) throw new SinewError('not_found', `There is no log ${log_id}`);
      return json({ ...logSummary(row), ...logRest(row) });
    }),
  ];
}

interface PageQuery {
  readonly page: number;
  readonly per_page: number;
  readonly start_date?: Date | undefined;
  readonly end_date?: Date | undefined;
}

const rangeOf = ({ end_date: until, page, per_page, start_date: from }: PageQuery) => ({
  limit: per_page,
  offset: (page - 1) * per_page,
  from,
  until,
});

const pageOf = ({ page, per_page }: PageQuery, total: number) => ({
  total_count: total,
  page,
  per_page,
  has_next: page * per_page < total,
});

type SessionRow = Awaited<ReturnType<History['sessions']>>['rows'][number];
type LogRow = Awaited<ReturnType<History['logs']>>['rows'][number];
type WholeLogRow = NonNullable<Awaited<ReturnType<History['log']>>>;

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

function sessionSummary(row: SessionRow): SessionSummary {
  return {
    session_id: row.session_id,
    key_id: row.key_id,
    robot_id: row.robot_id,
    robot_type: row.robot_type,
    model_name: row.model_name,
    model_version: row.model_version,
    control_hz: row.control_hz,
    pacing: row.pacing,
    opened_at: row.opened_at.toISOString(),
    closed_at: iso(row.closed_at),
    close_reason: row.close_reason,
  };
}

function logSummary(row: LogRow): LogSummary {
  return {
    log_id: row.log_id,
    timestamp: row.timestamp.toISOString(),
    request_id: row.request_id,
    session_id: row.session_id,
    episode: row.episode,
    robot_id: row.robot_id,
    robot_type: row.robot_type,
    model_name: row.model_name,
    instruction: row.instruction,
    instruction_category: row.instruction_category,
    status: row.status,
    safety_score: finite(row.safety_score),
    safety_flags: row.safety_flags,
    inference_latency_ms: finite(row.inference_latency_ms),
  };
}

function logRest(row: WholeLogRow): Omit<LogDetail, keyof LogSummary> {
  return {
    key_id: row.key_id,
    model_version: row.model_version,
    image_shape: row.image_shape,
    observation_seq: row.observation_seq,
    observation_age_ms: finite(row.observation_age_ms),
    base_tick: row.base_tick,
    state: row.state?.map(finite) ?? null,
    action_vector: row.action_vector.map(finite),
    action_magnitude: finite(row.action_magnitude),
    chunk: chunkRows(row.chunk, row.action_dim),
    queue_wait_ms: finite(row.queue_wait_ms),
    decode_ms: finite(row.decode_ms),
    gpu_compute_ms: finite(row.gpu_compute_ms),
    error_message: row.error_message,
  };
}

/** JSON has no number for these. */
const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);

/** float32, little-endian, one row of `dim` a tick. */
function chunkRows(bytes: Uint8Array, dim: number): (number | null)[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, i) =>
    finite(view.getFloat32(4 * i, true)),
  );
  return Array.from({ length: dim > 0 ? Math.floor(values.length / dim) : 0 }, (_, row) =>
    values.slice(row * dim, (row + 1) * dim),
  );
}
