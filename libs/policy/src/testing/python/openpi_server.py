"""A policy server in openpi's style, for openpi.py.test.ts: the `websockets` library and openpi-client's own codec.

python openpi_server.py <port>

One message in, one answer out, and the event loop is blocked while the policy computes, as in openpi's server. The policy wants a
96×96 image, a state of seven and a prompt, and answers (8, 7) float64 numbers: the state's first. A state that begins with 13
makes it raise, one that begins with 14 makes it take half a second.
"""

import asyncio
import sys
import time
import traceback

import numpy as np
import websockets.asyncio.server
import websockets.frames
from openpi_client import msgpack_numpy


def infer(observation):
    image, state, prompt = (observation[key] for key in ("observation/image", "observation/state", "prompt"))
    assert image.shape == (96, 96, 3) and image.dtype == np.uint8, f"{image.dtype} {image.shape}"
    assert state.shape == (7,) and state.dtype == np.float32, f"{state.dtype} {state.shape}"
    assert isinstance(prompt, str), type(prompt)
    if state[0] == 13:
        raise ValueError("bad luck")
    if state[0] == 14:
        time.sleep(0.5)
    # Something of each input, so that a mistake in any of them shows.
    actions = np.full((8, 7), float(state[0]))
    actions[:, 1] = image[..., 0].mean() / 1000
    actions[:, 2] = len(prompt) / 1000
    return {"actions": actions}


async def serve(connection):
    packer = msgpack_numpy.Packer()
    await connection.send(packer.pack({"policy": "test"}))
    previous = None
    while True:
        try:
            observation = msgpack_numpy.unpackb(await connection.recv())
            began = time.monotonic()
            answer = infer(observation)
            answer["server_timing"] = {"infer_ms": 1000 * (time.monotonic() - began)}
            if previous is not None:
                answer["server_timing"]["prev_total_ms"] = 1000 * previous
            await connection.send(packer.pack(answer))
            previous = time.monotonic() - began
        except websockets.ConnectionClosed:
            return
        except Exception:
            await connection.send(traceback.format_exc())
            await connection.close(
                websockets.frames.CloseCode.INTERNAL_ERROR,
                "Internal server error. Traceback included in previous frame.",
            )
            raise


async def main():
    port = int(sys.argv[1])
    async with websockets.asyncio.server.serve(serve, "127.0.0.1", port, compression=None, max_size=None) as server:
        await server.serve_forever()


asyncio.run(main())
