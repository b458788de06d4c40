import type { Opened } from '@sinew/protocol';
import type { OpenpiValue } from '@sinew/protocol/openpi';
import type { OpenpiParameters } from './parameters.js';

/** The first frame of a connection: what the policy takes and gives, in the words of the dialect. */
export function metadataOf(opened: Opened, robotType: string, parameters: OpenpiParameters): OpenpiValue {
  return parameters.dialect === 'roboarena' ? roboarena(opened, parameters) : openpi(opened, robotType, parameters);
}

function openpi({ control_hz, estopped, model, session_id }: Opened, robotType: string, parameters: OpenpiParameters) {
  const { cameras, state } = model.inputs;
  return {
    session_id,
    policy: model.id,
    policy_version: model.version,
    robot_type: robotType,
    estopped,
    action_space: model.action_space,
    action_dim: model.action_dim,
    action_horizon: model.chunk_size,
    execute: parameters.execute,
    control_hz,
    cameras: cameras.map(({ name, height, width }) => ({ name, height, width })),
    state: [...state.names],
  };
}

const EXTERIOR = /exterior_image_(\d+)/;

/** RoboArena's server configuration: which of its pictures to send, and how large. */
function roboarena({ model }: Opened, parameters: OpenpiParameters) {
  const keys = model.inputs.cameras.map(({ name }) => parameters.cameras[name] ?? name);
  const exterior = new Set(keys.map((key) => EXTERIOR.exec(key)?.[1]).filter((index) => index !== undefined));
  const [first] = model.inputs.cameras;
  return {
    image_resolution: first === undefined ? null : [first.height, first.width],
    needs_wrist_camera: keys.some((key) => key.includes('wrist')),
    n_external_cameras: exterior.size,
    needs_stereo_camera: keys.some((key) => key.endsWith('_right')),
    needs_session_id: false,
    action_space: model.action_space,
  };
}
