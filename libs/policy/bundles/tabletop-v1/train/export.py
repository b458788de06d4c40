"""Writes the graph: image uint8 [B, 96, 96, 3], state float32 [B, 7], tokens int32 [B, 16] to actions float32 [B, 8, 7]."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from model import Policy


def export(policy: Policy, path: Path) -> None:
    policy.eval()
    example = (
        torch.zeros(2, 96, 96, 3, dtype=torch.uint8),
        torch.zeros(2, 7),
        torch.ones(2, 16, dtype=torch.int32),
    )
    names = ["image", "state", "tokens"]
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


def check_parity(policy: Policy, path: Path, image: np.ndarray, state: np.ndarray, tokens: np.ndarray) -> float:
    """Largest difference between the graph and the network. Raises where it is more than rounding."""
    onnx.checker.check_model(onnx.load(str(path)))
    policy.eval()
    with torch.no_grad():
        expected = policy(torch.from_numpy(image), torch.from_numpy(state), torch.from_numpy(tokens)).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (actual,) = session.run(["actions"], {"image": image, "state": state, "tokens": tokens})
    worst = float(np.abs(actual - expected).max())
    if worst > 1e-3:
        raise RuntimeError(f"the graph differs from the network by {worst}")
    return worst
