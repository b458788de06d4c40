import { openBrowserSocket } from './browser-socket.js';
import { hostEnvironment } from './environment.js';
import type { ConnectOptions } from './options.js';
import { Robot } from './robot.js';

export * from './exports.js';
export { openBrowserSocket };

/** Opens a session for a robot. `environment` replaces clock, timers, chance or sockets. */
export function connect(options: ConnectOptions, environment = hostEnvironment(openBrowserSocket)): Promise<Robot> {
  return Robot.connect(options, environment);
}
