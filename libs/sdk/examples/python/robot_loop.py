"""python robot_loop.py ws://127.0.0.1:8787/v1/stream vla_live_… [TICKS]   (a robot that sees grey and goes where it is told)"""
import sys
import time

import msgpack
from websockets.sync.client import connect

url, key = sys.argv[1:3]
ticks = int(sys.argv[3]) if len(sys.argv) > 3 else None
pose = [0.0, 0.0, 0.14, 0.0, 0.0, 0.0, 1.0]  # x y z roll pitch yaw gripper: your arm's measured state
grey = {"encoding": "rgb8", "shape": [96, 96, 3], "data": b"\x80" * (96 * 96 * 3)}  # your camera, or JPEG bytes
headers = {"Authorization": f"Bearer {key}"}

with connect(url, subprotocols=["sinew.v1"], additional_headers=headers, max_size=None) as socket:
    send = lambda message: socket.send(msgpack.packb(message))
    send({"type": "open", "robot_type": "franka_panda", "instruction": "pick up the red cube"})
    opened = msgpack.unpackb(socket.recv())
    if opened["type"] != "opened":
        sys.exit(f"refused: {opened['message']}")
    cameras = [camera["name"] for camera in opened["model"]["inputs"]["cameras"]]
    seq = 0
    while ticks is None or ticks > 0:
        now_ms = time.monotonic() * 1000
        send({"type": "observation", "seq": seq, "captured_at_ms": now_ms, "images": dict.fromkeys(cameras, grey), "state": pose})
        seq += 1
        told = msgpack.unpackb(socket.recv(timeout=2))  # TimeoutError: the server is silent, so stand still
        if told["type"] in ("action", "hold"):  # one a control tick; the values of a hold bring the arm to rest
            pose[:6] = [at + step for at, step in zip(pose[:6], told["values"])]  # your arm moves by this much
            pose[6] = told["values"][6]
            print(told["type"], told["seq"], told.get("reason", ""), flush=True)
            ticks = None if ticks is None else ticks - 1
        elif told["type"] == "closed" or told.get("fatal"):
            sys.exit(f"ended: {told.get('message') or told['reason']}")
        else:
            print(told["type"], told.get("message", ""), file=sys.stderr)
    send({"type": "close"})
