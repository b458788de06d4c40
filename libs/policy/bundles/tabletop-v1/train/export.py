"""
Writes the graph: image uint8 [B, 96, 96, 3], state float32 [B, 7], tokens int32 [B, 16], and for a policy with a prefix
prefix_actions float32 [B, 8, 7] and prefix_weights float32 [B, 8], to actions float32 [B, 8, 7].
"""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from model import CHUNK, Policy

INPUTS = ("image", "state", "tokens")
PREFIX_INPUTS = ("prefix_actions", "prefix_weights")


def export(policy: Policy, path: Path) -> None:
    policy.eval()
    example = (
        torch.zeros(2, 96, 96, 3, dtype=torch.uint8),
        torch.zeros(2, 7),
        torch.ones(2, 16, dtype=torch.int32),
        *((torch.zeros(2, CHUNK, 7), torch.zeros(2, CHUNK)) if policy.prefix else ()),
    )
    names = [*INPUTS, *(PREFIX_INPUTS if policy.prefix else ())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            policy,
            example,
            str(path),
            opset_version=17,
            input_names=names,
            output_names=["actions"],
            dynamic_axes={name: {0: "batch"} for name in [*names, "actions"]},
            dynamo=False,
        )
    policy.eval()  # export leaves modules in train mode


def check_parity(policy: Policy, path: Path, samples: np.ndarray) -> float:
    """Largest difference between the graph and the network. Raises where it is more than rounding."""
    feeds = {"image": samples["image"], "state": samples["state"], "tokens": samples["tokens"].astype(np.int32)}
    if policy.prefix:
        weights = np.arange(CHUNK) < samples["given"][:, None]
        feeds |= {"prefix_actions": samples["chunk"], "prefix_weights": weights.astype(np.float32)}
    feeds = {name: np.ascontiguousarray(value) for name, value in feeds.items()}
    onnx.checker.check_model(onnx.load(str(path)))
    policy.eval()
    with torch.no_grad():
        expected = policy(*map(torch.from_numpy, feeds.values())).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (actual,) = session.run(["actions"], feeds)
    worst = float(np.abs(actual - expected).max())
    if worst > 1e-3:
        raise RuntimeError(f"the graph differs from the network by {worst}")
    return worst
