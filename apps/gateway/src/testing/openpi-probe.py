"""What openpi's own client sees of a gateway: python openpi-probe.py URL KEY. Every line is an assertion of this script or a fact for the test."""
import json
import sys

import numpy as np
from openpi_client import action_chunk_broker, msgpack_numpy
from openpi_client.websocket_client_policy import WebsocketClientPolicy
from websockets.exceptions import ConnectionClosedError, InvalidStatus

url, key = sys.argv[1:3]
picture = np.full((96, 96, 3), 127, dtype=np.uint8)
state = np.array([0, 0, 0.2, 0, 0, 0, 1], dtype=np.float64)
seen = {}


def observation(**more):
    return {"images": {"main": picture}, "state": state, "prompt": "pick up the red cube", **more}


policy = WebsocketClientPolicy(url, api_key=key)
seen["metadata"] = policy.get_server_metadata()
replies = [policy.infer(observation()) for _ in range(3)]
seen["replies"] = [
    {"dtype": str(r["actions"].dtype), "shape": r["actions"].shape, "keys": sorted(r), "server_timing": sorted(r["server_timing"])}
    for r in replies
]
assert all(type(r["server_timing"]["infer_ms"]) is float and type(r["policy_timing"]["infer_ms"]) is float for r in replies)
# Forms that clients send: channels first, flat keys, float32 state, numpy scalars and text arrays.
policy.infer({"images": {"main": np.ascontiguousarray(picture.transpose(2, 0, 1))}, "state": state.astype(np.float32), "prompt": np.str_("push the red cube")})
policy.infer({"observation/image": picture, "observation/state": state, "prompt": np.array("pick up the red cube")})
policy.infer({"observation/image": picture, "observation/joint_position": state[:6], "observation/gripper_position": state[6:], "prompt": "pick up the cube", "extra": np.int64(3)})

# openpi's way to execute chunks: one action a call, the next chunk when it is used up.
broker = action_chunk_broker.ActionChunkBroker(policy, action_horizon=4)
actions = [broker.infer(observation())["actions"] for _ in range(6)]
assert all(a.shape == (7,) for a in actions)

# What is wrong comes as a text, and the client raises it; then the connection is over.
try:
    policy.infer(observation(state=np.full(7, np.nan)))
    sys.exit("NaN was taken")
except RuntimeError as error:
    seen["nan"] = str(error)
try:
    policy.infer(observation())
    sys.exit("the connection went on")
except ConnectionClosedError as error:
    seen["close"] = [error.rcvd.code, error.rcvd.reason]
try:
    WebsocketClientPolicy(url, api_key="vla_live_nobody-nobody-nobody")
    sys.exit("a key that nobody has was taken")
except InvalidStatus as error:
    seen["refused"] = error.response.status_code
# The wire of a reply is what this client's own packer writes for it.
again = WebsocketClientPolicy(url, api_key=key)
again._ws.send(msgpack_numpy.packb(observation()))
raw = again._ws.recv()
assert msgpack_numpy.packb(msgpack_numpy.unpackb(raw)) == raw, "not the bytes of openpi's packer"
# As large as ALOHA's requests.
four = {name: np.zeros((3, 224, 224), dtype=np.uint8) for name in ("a", "b", "c")}
seen["large"] = again.infer(observation(images={"main": np.zeros((3, 224, 224), dtype=np.uint8), **four}))["actions"].shape
print(json.dumps(seen))
