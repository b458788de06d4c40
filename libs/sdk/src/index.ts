import { hostEnvironment } from './environment.js';
import { nodeSocketTrusting, openNodeSocket } from './node-socket.js';
import type { ConnectOptions } from './options.js';
import { Robot } from './robot.js';

export * from './exports.js';
export { nodeSocketTrusting, openNodeSocket };

/** In Node a server with a certificate of one's own can be trusted. */
export interface NodeConnectOptions extends ConnectOptions {
  /** Certificate (PEM) that is trusted beside the known authorities. */
  readonly tlsCa?: string;
}

/** Opens a session for a robot. `environment` replaces clock, timers, chance or sockets. */
export function connect(
  options: NodeConnectOptions,
  environment = hostEnvironment(options.tlsCa === undefined ? openNodeSocket : nodeSocketTrusting(options.tlsCa)),
): Promise<Robot> {
  return Robot.connect(options, environment);
}
