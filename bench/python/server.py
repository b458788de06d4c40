"""A policy server in the style of openpi's: one asyncio loop, one request at a time, the policy called in the loop.

The peer that `bench peers` compares with. Frames are msgpack with numpy arrays as maps with bin keys; the first frame
of a connection is the server's metadata. `server.py SETTINGS`, where SETTINGS is JSON:

  {"threads": 1, "chunk": [8, 7], "graph": null}
  {"threads": 1, "chunk": [8, 7], "graph": "policy.onnx", "output": "actions",
   "images": {"<key>": "<tensor>"}, "state": {"<key>": "<tensor>"},
   "prompt": {"key": "...", "tensor": "...", "vocabulary": {...}, "length": 16, "pad": 0, "unknown": 1}}

Without a graph it answers a fixed chunk. It prints one line of JSON when it listens.
"""

import asyncio
import importlib.metadata
import json
import platform
import sys
import time
import traceback

import msgpack
import numpy as np
import websockets
from websockets.asyncio.server import serve
from websockets.frames import CloseCode


def pack_array(value):
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "VOc":
        raise ValueError(f"unsupported dtype: {value.dtype}")
    if isinstance(value, np.ndarray):
        return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}
    if isinstance(value, np.generic):
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    return value


def unpack_array(value):
    if b"__ndarray__" in value:
        return np.ndarray(buffer=value[b"data"], dtype=np.dtype(value[b"dtype"]), shape=value[b"shape"])
    if b"__npgeneric__" in value:
        return np.dtype(value[b"dtype"]).type(value[b"data"])
    return value


class FixedPolicy:
    """No motion, gripper open."""

    def __init__(self, settings):
        self._actions = np.zeros(settings["chunk"], dtype=np.float32)
        self._actions[:, -1] = 1

    def infer(self, observation):
        for key in observation:
            # What any policy would do first: the arrays are looked at.
            observation[key]
        return {"actions": self._actions}


class GraphPolicy:
    """The graph, for one observation."""

    def __init__(self, settings):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings["threads"]
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(settings["graph"], options, providers=["CPUExecutionProvider"])
        self._settings = settings
        self._tokens = {}

    def infer(self, observation):
        settings = self._settings
        feeds = {tensor: observation[key][np.newaxis] for key, tensor in settings["images"].items()}
        for key, tensor in settings["state"].items():
            feeds[tensor] = np.asarray(observation[key], dtype=np.float32)[np.newaxis]
        prompt = settings["prompt"]
        feeds[prompt["tensor"]] = self._tokenized(observation[prompt["key"]])
        (actions,) = self._session.run([settings["output"]], feeds)
        return {"actions": actions[0]}

    def _tokenized(self, text):
        """Kept: a robot repeats its instruction with every frame."""
        tokens = self._tokens.get(text)
        if tokens is None:
            prompt = self._settings["prompt"]
            ids = [prompt["vocabulary"].get(word, prompt["unknown"]) for word in text.lower().split()]
            ids = (ids + [prompt["pad"]] * prompt["length"])[: prompt["length"]]
            tokens = self._tokens[text] = np.asarray([ids], dtype=np.int32)
        return tokens


def handler(policy):
    async def handle(websocket):
        packer = msgpack.Packer(default=pack_array)
        await websocket.send(packer.pack({}))
        previous_ms = None
        while True:
            try:
                began = time.monotonic()
                observation = msgpack.unpackb(await websocket.recv(), object_hook=unpack_array)
                began_infer = time.monotonic()
                action = policy.infer(observation)
                infer_ms = (time.monotonic() - began_infer) * 1000
                action["policy_timing"] = {"infer_ms": infer_ms}
                action["server_timing"] = {"infer_ms": infer_ms}
                if previous_ms is not None:
                    action["server_timing"]["prev_total_ms"] = previous_ms
                await websocket.send(packer.pack(action))
                previous_ms = (time.monotonic() - began) * 1000
            except websockets.ConnectionClosed:
                return
            except Exception:
                await websocket.send(traceback.format_exc())
                await websocket.close(code=CloseCode.INTERNAL_ERROR, reason="Internal server error.")
                raise

    return handle


def versions(settings):
    names = ["websockets", "msgpack", "numpy"] + (["onnxruntime"] if settings["graph"] else [])
    found = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}
    try:
        import websockets.speedups  # noqa: F401

        found["websockets C speedups"] = "on"
    except ImportError:
        found["websockets C speedups"] = "off"
    found["msgpack C extension"] = "on" if "_cmsgpack" in msgpack.Packer.__module__ else "off"
    return found


async def main():
    settings = json.loads(sys.argv[1])
    policy = GraphPolicy(settings) if settings["graph"] else FixedPolicy(settings)
    async with serve(handler(policy), "127.0.0.1", 0, compression=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"port": port, "versions": versions(settings)}), flush=True)
        # Ends when the bench does.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
