"""python openpi_robot.py ws://127.0.0.1:8787/v1/openpi vla_live_… [CHUNKS]   (openpi's own client, unchanged; a robot that sees grey)"""
import sys

import numpy as np
from openpi_client.websocket_client_policy import WebsocketClientPolicy

url, key = sys.argv[1:3]
chunks = int(sys.argv[3]) if len(sys.argv) > 3 else 5
execute = 4  # actions of each chunk that are executed before the next is asked for
# An openpi client says nothing of itself: the query says it. A bare `host, port` works too, on the gateway's --openpi-port.
policy = WebsocketClientPolicy(f"{url}?robot_type=franka_panda&execute={execute}", api_key=key)
print("metadata", sorted(policy.get_server_metadata()))

state = np.array([0.0, 0.0, 0.14, 0.0, 0.0, 0.0, 1.0])  # x y z roll pitch yaw gripper: your arm's measured state
grey = np.full((3, 96, 96), 128, dtype=np.uint8)  # channels first or last
for _ in range(chunks):
    reply = policy.infer({"images": {"main": grey}, "state": state, "prompt": "pick up the red cube"})
    actions = reply["actions"]
    for action in actions[:execute]:
        state[:6] += action[:6]  # your arm moves by this much
        state[6] = action[6]
    print("chunk", actions.dtype, actions.shape, sorted(reply["server_timing"]), reply.get("hold", ""), flush=True)
