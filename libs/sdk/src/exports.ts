export type {
  Closed,
  ErrorCode,
  HoldReason,
  ModelDescription,
  Opened,
  Pacing,
} from '@sinew/protocol';
export { SinewError } from '@sinew/protocol';
export { type Environment, hostEnvironment, type TimerHandle } from './environment.js';
export type { ConnectOptions, RobotEvent } from './options.js';
export { Robot, type RobotImage, type RobotObservation, type RobotStats } from './robot.js';
export type { RobotAction, RobotHoldReason } from './robot-action.js';
export { ConnectionError, type OpenSocket, type Socket, type SocketEnd, type SocketListener } from './socket.js';
