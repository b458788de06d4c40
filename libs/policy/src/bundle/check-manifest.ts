import { findRobot } from '@sinew/robots';
import type { Manifest } from './manifest.js';
import { checkNormalization } from './normalization.js';

export interface ManifestFault {
  readonly field: string;
  readonly reason: string;
}

/** Rules between fields, which no single field's schema can see. Null when the manifest keeps them. */
export function checkManifest(manifest: Manifest): ManifestFault | null {
  return (
    checkShapes(manifest) ??
    checkPrefix(manifest) ??
    checkAction(manifest) ??
    checkEmbodiments(manifest) ??
    checkTables(manifest)
  );
}

function checkShapes({ inputs, output, batch, chunk_size, execute }: Manifest): ManifestFault | null {
  if (execute !== undefined && execute > chunk_size)
    return { field: 'execute', reason: `is more than the chunk's ${chunk_size}` };
  const names = new Set<string>();
  const tensors = new Set([output.tensor, inputs.state.tensor, inputs.text.tensor]);
  if (tensors.size < 3) return { field: 'inputs.text.tensor', reason: 'two tensors have one name' };
  for (const [i, camera] of inputs.cameras.entries()) {
    if (names.has(camera.name)) return { field: `inputs.cameras.${i}.name`, reason: `${camera.name} is there twice` };
    if (tensors.has(camera.tensor))
      return { field: `inputs.cameras.${i}.tensor`, reason: `${camera.tensor} is there twice` };
    names.add(camera.name);
    tensors.add(camera.tensor);
  }
  const tooBig = batch.sizes?.find((size) => size > batch.max);
  if (tooBig !== undefined) return { field: 'batch.sizes', reason: `${tooBig} is more than batch.max ${batch.max}` };
  return null;
}

function checkPrefix({ blend, inputs, output, normalization }: Manifest): ManifestFault | null {
  const { prefix, cameras, state, text } = inputs;
  if (prefix === undefined)
    return blend === 'rtc'
      ? { field: 'blend', reason: 'rtc needs inputs.prefix: a graph that continues a prefix' }
      : null;
  const others = [output.tensor, state.tensor, text.tensor, ...cameras.map(({ tensor }) => tensor)];
  if (others.includes(prefix.actions))
    return { field: 'inputs.prefix.actions', reason: `${prefix.actions} is there twice` };
  if ([...others, prefix.actions].includes(prefix.weights))
    return { field: 'inputs.prefix.weights', reason: `${prefix.weights} is there twice` };
  if (normalization.action !== 'graph')
    return { field: 'normalization.action', reason: 'must be in the graph, which gets the prefix in physical units' };
  return null;
}

function checkAction({ action_space, action_dim, action, inputs }: Manifest): ManifestFault | null {
  if (action_space === 'ee_delta' && action_dim !== 7)
    return { field: 'action_dim', reason: `ee_delta has 7 values (translation, rotation, gripper), not ${action_dim}` };
  const joints = action.joints ?? [];
  const missing = joints.find((entry) => entry >= inputs.state.dim);
  if (missing !== undefined)
    return { field: 'action.joints', reason: `entry ${missing} is outside the state of ${inputs.state.dim}` };
  if (new Set(joints).size < joints.length) return { field: 'action.joints', reason: 'an entry is there twice' };
  if (action_space !== 'ee_delta' && action.joints === undefined && inputs.state.dim < action_dim)
    return { field: 'inputs.state.dim', reason: `must begin with what ${action_space} moves: ${action_dim} values` };
  if (action.pose === null) return null;
  const entries = [...action.pose.position, ...action.pose.rotation, action.pose.gripper];
  const outside = entries.find((entry) => entry >= inputs.state.dim);
  if (outside !== undefined)
    return { field: 'action.pose', reason: `entry ${outside} is outside the state of ${inputs.state.dim}` };
  if (new Set(entries).size < entries.length)
    return { field: 'action.pose', reason: 'two parts of the pose are one entry' };
  return null;
}

function checkEmbodiments({ embodiments, action, action_space, action_dim }: Manifest): ManifestFault | null {
  for (const [i, id] of embodiments.entries()) {
    const field = `embodiments.${i}`;
    // Any robot; whether its joints fit the action is decided when it opens.
    if (id === '*') continue;
    const robot = findRobot(id);
    if (robot === undefined) return { field, reason: `${id} is not in the robot registry` };
    // Sessions are matched by id, whatever alias they open with.
    if (robot.id !== id) return { field, reason: `${id} is an alias: write ${robot.id}` };
    const joints = action.joints?.length ?? robot.dof;
    if (joints !== robot.dof && joints !== robot.dof + 1)
      return { field: 'action.joints', reason: `${id} has ${robot.dof} joints, but ${joints} entries are named` };
    if (action_space === 'ee_delta') continue;
    // Joint spaces: one value a joint, and one more where the gripper is commanded too.
    if (action_dim !== robot.dof && action_dim !== robot.dof + 1)
      return { field, reason: `${id} has ${robot.dof} joints, but ${action_space} has ${action_dim} values` };
  }
  return null;
}

function checkTables({ normalization, inputs, action_dim }: Manifest): ManifestFault | null {
  const state = checkNormalization(normalization.state, inputs.state.dim);
  if (state !== null) return { field: `normalization.state.${state[0]}`, reason: state[1] };
  const action = checkNormalization(normalization.action, action_dim);
  if (action !== null) return { field: `normalization.action.${action[0]}`, reason: action[1] };
  return null;
}
