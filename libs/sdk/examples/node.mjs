// node libs/sdk/examples/node.mjs ws://127.0.0.1:8787 vla_live_…   (a robot that sees grey and goes where it is told)
import { connect } from '@sinew/sdk';

const [url, apiKey] = process.argv.slice(2);
const robot = await connect({ url, apiKey, robotType: 'franka_panda', instruction: 'pick up the red cube' });
const pose = [0.4, 0, 0.2, 0, 0, 0, 1]; // x y z roll pitch yaw gripper: your arm's measured state
const camera = { data: new Uint8Array(96 * 96 * 3).fill(128), width: 96, height: 96 }; // or JPEG bytes

const look = () => robot.observe({ images: { [robot.model.inputs.cameras[0].name]: camera }, state: pose });
look();
for await (const action of robot.actions()) {
  for (let i = 0; i < 6; i++) pose[i] += action.values[i]; // your arm moves by this much in one control tick
  pose[6] = action.values[6];
  process.stdout.write(`${action.kind} ${action.seq} ${action.reason ?? `${action.ageMs.toFixed(0)} ms old`}\n`);
  look();
}
