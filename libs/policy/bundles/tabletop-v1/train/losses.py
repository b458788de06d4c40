"""What the network is asked for. Latents and attention are supervised with the simulator's truth at training time only."""

import torch
import torch.nn.functional as F
from torch import Tensor

from model import CELLS, CHUNK, LATENT_SCALE, TARGET_Z_OFFSET, Policy

GRIPPER_WEIGHT = 0.1
ATTENTION_WEIGHT = 0.05
LATENT_NOISE = 0.02


def action_loss(policy: Policy, out: Tensor, chunk: Tensor) -> Tensor:
    motion = F.smooth_l1_loss(out[..., :6], chunk[..., :6] / policy.delta_scale, beta=0.03)
    return motion + GRIPPER_WEIGHT * F.binary_cross_entropy_with_logits(out[..., 6], chunk[..., 6])


def prefix_loss(policy: Policy, sample: dict[str, Tensor]) -> Tensor:
    """Real-time chunking at training time: the first actions are given as they are, the loss is on those that follow."""
    text = policy.text(sample["tokens"])
    with torch.no_grad():
        latents, free, _ = policy.perception(sample["image"], text)
    chunk, count = sample["chunk"], sample["given"].long().unsqueeze(1)
    given = (torch.arange(CHUNK) < count).float()
    out = policy.head.after(policy.scaled(chunk), given, latents, free, sample["state"], text)
    follow = given == 0
    return action_loss(policy, out[follow], chunk[follow])


def has_goal(latents: Tensor) -> Tensor:
    return (latents[:, 5:].abs().sum(1) > 0).float()


def mean_where(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)


def latent_loss(found: Tensor, truth: Tensor) -> Tensor:
    """The goal counts only where there is one: with zeros elsewhere the L1 median collapses to zero."""
    error = F.smooth_l1_loss(found, truth, beta=0.05, reduction="none")
    return error[:, :5].mean() * 5 / 7 + mean_where(error[:, 5:].mean(1), has_goal(truth)) * 3 / 7


def attention_loss(attention: Tensor, truth: Tensor) -> Tensor:
    """Query 0 has to look at the named cube, query 1 at the named bowl. Without this the seed decides when it learns to."""
    sx, sy, sz = LATENT_SCALE
    log = torch.log(attention[:, :2] + 1e-6)
    row = torch.arange(len(truth))
    cube = grid_cell(truth[:, 0] * sx, truth[:, 1] * sy, truth[:, 2] * sz + TARGET_Z_OFFSET)
    bowl = grid_cell(truth[:, 5] * sx, truth[:, 6] * sy, torch.full_like(truth[:, 5], 0.01))
    return -log[row, 0, cube].mean() - mean_where(log[row, 1, bowl], has_goal(truth))


def grid_cell(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Where the camera of apps/simulator (camera/projection.ts) sees a point, as an index into the attention's grid."""
    forward_y, forward_z = 0.47, -0.53
    length = (forward_y**2 + forward_z**2) ** 0.5
    forward_y, forward_z = forward_y / length, forward_z / length
    dy, dz = y + 0.46, z - 0.56
    depth = dy * forward_y + dz * forward_z
    column = 48 + 140 * x / depth
    row = 48 - 140 * (-dy * forward_z + dz * forward_y) / depth
    cell = 96 / CELLS
    return (torch.round(row / cell).clamp(0, CELLS - 1) * CELLS + torch.round(column / cell).clamp(0, CELLS - 1)).long()


def head_loss(policy: Policy, sample: dict[str, Tensor]) -> Tensor:
    """Stage 1: the head on the true latents; no frames."""
    text = policy.text(sample["tokens"])
    latents = sample["latents"] + torch.randn_like(sample["latents"]) * LATENT_NOISE
    free = torch.zeros(len(latents), policy.free)
    return action_loss(policy, policy.head(latents, free, sample["state"], text), sample["chunk"])


def full_loss(policy: Policy, sample: dict[str, Tensor], true_latents: bool) -> tuple[Tensor, float, float]:
    """
    Stage 2: (loss, action part, perception part). With `true_latents` the head does not wait for perception: it works on
    the truth while perception learns to find it.
    """
    text = policy.text(sample["tokens"])
    latents, free, attention = policy.perception(sample["image"], text)
    perception = latent_loss(latents, sample["latents"]) + ATTENTION_WEIGHT * attention_loss(attention, sample["latents"])
    if true_latents:
        latents = sample["latents"] + torch.randn_like(latents) * LATENT_NOISE
    action = action_loss(policy, policy.head(latents, free, sample["state"], text), sample["chunk"])
    return action + perception, action.item(), perception.item()
