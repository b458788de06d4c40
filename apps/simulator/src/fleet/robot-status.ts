/** One robot's line in a live table. */
export interface RobotStatus {
  readonly robot: string;
  /** Its instruction. */
  readonly task: string;
  /** Control ticks a second, over the last ones. */
  readonly hz: number;
  /** Age of the observation behind each action at its arrival, over the last ones. */
  readonly age_p50_ms: number;
  readonly age_p99_ms: number;
  readonly holds: number;
  readonly clamped: number;
  readonly episodes: number;
  readonly successes: number;
}
