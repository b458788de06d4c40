import { hostEnvironment } from './environment.js';
import { openNodeSocket } from './node-socket.js';
import type { ConnectOptions } from './options.js';
import { Robot } from './robot.js';

export * from './exports.js';
export { openNodeSocket };

/** Opens a session for a robot. `environment` replaces clock, timers, chance or sockets. */
export function connect(options: ConnectOptions, environment = hostEnvironment(openNodeSocket)): Promise<Robot> {
  return Robot.connect(options, environment);
}
