"""tabletop-v1's own graph behind a Triton Inference Server, for kserve.py.test.ts.

python triton_tabletop.py <policy.onnx> <port>

Triton does the protocol, the queue and the batching; its Python backend calls ONNX Runtime. A state that begins with 13 makes
the function raise, one that begins with 14 makes it take half a second.
"""

import os
import signal
import sys
import sysconfig
import time

# Triton's Python stub is linked with libpython, which is not where the loader looks for every build of Python.
os.environ["LD_LIBRARY_PATH"] = f"{sysconfig.get_config_var('LIBDIR')}:{os.environ.get('LD_LIBRARY_PATH', '')}"

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.model_config.common import QueuePolicy, TimeoutAction
from pytriton.triton import Triton, TritonConfig

# Leaves the `with` below, which ends Triton's processes too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

graph, port = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@batch
def infer(**inputs):
    first = inputs["state"][:, 0]
    if (first == 13).any():
        raise ValueError("an index is out of bounds")
    if (first == 14).any():
        time.sleep(0.5)
    return {"actions": session.run(["actions"], inputs)[0]}


config = TritonConfig(
    http_port=port, http_address="127.0.0.1", allow_grpc=False, allow_metrics=False
)
with Triton(config=config) as triton:
    triton.bind(
        model_name="tabletop",
        infer_func=infer,
        inputs=[
            Tensor(name="image", dtype=np.uint8, shape=(96, 96, 3)),
            Tensor(name="state", dtype=np.float32, shape=(7,)),
            Tensor(name="tokens", dtype=np.int32, shape=(16,)),
        ],
        outputs=[Tensor(name="actions", dtype=np.float32, shape=(8, 7))],
        config=ModelConfig(
            max_batch_size=8,
            batcher=DynamicBatcher(
                default_queue_policy=QueuePolicy(timeout_action=TimeoutAction.REJECT, allow_timeout_override=True)
            ),
        ),
    )
    triton.serve()
