import type { SessionHead } from '@sinew/recording';
import type { Session } from '../session/session.js';

const STEP = ['dx', 'dy', 'dz', 'rx', 'ry', 'rz', 'gripper'];

/** `instruction`: as it may be kept. */
export function sessionHead(session: Session, instruction: string, images: boolean): SessionHead {
  const { controlHz, limits, model, pacing, principal, robotId, robotType } = session.profile;
  const { action, action_dim, action_space, id, inputs, version } = model.description;
  const { names } = inputs.state;
  const joints = action_space !== 'ee_delta' && action.pose === null;
  const actionNames = action_space === 'ee_delta' ? STEP : names;
  return {
    stateNames: Array.from({ length: inputs.state.dim }, (_, i) => names[i] ?? `s${i}`),
    actionNames: Array.from({ length: action_dim }, (_, i) => actionNames[i] ?? `a${i}`),
    joints,
    metadata: {
      session_id: session.id,
      customer_id: principal.customerId,
      robot_id: robotId,
      robot_type: robotType,
      model: id,
      model_version: version,
      action_space,
      control_hz: String(controlHz),
      pacing,
      limits: JSON.stringify(limits),
      consent: JSON.stringify(session.context.consents.inForce(principal.customerId)),
      instruction,
      images: images ? 'as the robot sent them' : 'none',
    },
  };
}
