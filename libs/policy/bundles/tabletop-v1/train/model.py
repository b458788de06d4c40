"""
The network of tabletop-v1 and tabletop-rtc-v1: camera frame, instruction and state to a chunk of 8 actions. About 727,000
parameters. The second also takes the actions that will be executed before the chunk can begin, and continues them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK = 8
CELLS = 24  # the attention's grid is 24 x 24 over the 96 x 96 frame
LATENTS = 7  # target x, y, z, sin 4yaw, cos 4yaw, goal x, y: see latentsOf in apps/simulator
LATENT_SCALE = (0.1, 0.08, 0.05)  # metres a unit of x, y, z
TARGET_Z_OFFSET = 0.05
DELTA_SCALE = (0.03, 0.03, 0.03, 0.2, 0.2, 0.2)  # the largest step a tick, metres and radians
STATE_MEAN = (0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 0.6)
STATE_STD = (0.1, 0.08, 0.05, 0.1, 0.1, 0.5, 0.3)
RELATIVE_GAIN = 20  # 5 cm is one unit


class TextEncoder(nn.Module):
    """Tokens [B, 16] to one vector [B, width]; padding (0) never wins the maximum."""

    def __init__(self, words: int, width: int):
        super().__init__()
        self.embedding = nn.Embedding(words, 64, padding_idx=0)
        self.first = nn.Conv1d(64, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, tokens: Tensor) -> Tensor:
        present = (tokens > 0).float().unsqueeze(1)
        x = self.embedding(tokens).transpose(1, 2)
        x = F.relu(self.first(x)) * present
        x = F.relu(self.second(x)) * present
        return x.max(2)[0]


class Perception(nn.Module):
    """
    Frame and text to latents and free features. It never sees the robot's state: in an expert's data the gripper stands
    above its target, and a network that knows where the gripper is learns that instead of looking.
    """

    def __init__(self, text_width: int, queries: int, key_width: int, free: int):
        super().__init__()
        self.queries, self.key_width = queries, key_width
        self.conv1 = nn.Conv2d(3, 16, 5, 2, 2, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, 2, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 32, 3, 1, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(32)
        self.film = nn.Linear(text_width, 64)
        self.conv4 = nn.Conv2d(32, 64, 3, 1, 1, bias=False)
        self.norm4 = nn.BatchNorm2d(64)
        self.key = nn.Conv2d(64, key_width, 1)
        self.value = nn.Conv2d(64, 64, 1)
        self.query_hidden = nn.Linear(text_width, 128)
        self.query = nn.Linear(128, queries * key_width)
        self.hidden = nn.Linear(queries * (64 + 2), 256)
        self.latents = nn.Linear(256, LATENTS)
        self.free = nn.Linear(256, free)
        axis = torch.linspace(-1, 1, CELLS)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("grid", torch.stack([x, y], -1).reshape(CELLS * CELLS, 2))

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 [B, 96, 96, 3], [B, width] to latents [B, 7], free [B, n], attention [B, queries, 576]."""
        x = image.permute(0, 3, 1, 2).float() * (1 / 127.5) - 1
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        gain, bias = self.film(text).unsqueeze(-1).unsqueeze(-1).chunk(2, 1)
        x = F.relu(self.norm3(self.conv3(x)) * (1 + gain) + bias)
        x = F.relu(self.norm4(self.conv4(x)))
        query = self.query(F.relu(self.query_hidden(text))).reshape(-1, self.queries, self.key_width)
        attention = torch.softmax(torch.matmul(query, self.key(x).flatten(2)) * self.key_width**-0.5, -1)
        where = torch.matmul(attention, self.grid)
        what = torch.matmul(attention, self.value(x).flatten(2).transpose(1, 2))
        hidden = F.relu(self.hidden(torch.cat([where, what], -1).flatten(1)))
        return self.latents(hidden), F.relu(self.free(hidden)), attention


class ActionHead(nn.Module):
    """Latents, free features, state and text to the chunk: scaled deltas and gripper logits [B, 8, 7]."""

    def __init__(self, text_width: int, free: int, width: int = 384, prefix: bool = False):
        super().__init__()
        if prefix:  # at first as if it were not there: tabletop-v1's weights fit
            self.prefix = nn.Linear(CHUNK * 7 + CHUNK + 7 + 7, width, bias=False)
            nn.init.zeros_(self.prefix.weight)
        self.inputs = nn.Linear(LATENTS + 7 + 7 + free + text_width, width)
        self.block1 = nn.Linear(width, width)
        self.block2 = nn.Linear(width, width)
        self.out = nn.Linear(width, CHUNK * 7)
        self.register_buffer("mean", torch.tensor(STATE_MEAN))
        self.register_buffer("std", torch.tensor(STATE_STD))

    def forward(self, latents: Tensor, free: Tensor, state: Tensor, text: Tensor) -> Tensor:
        return self.chunk(self.inputs(self.features(latents, free, state, text)))

    def features(self, latents: Tensor, free: Tensor, state: Tensor, text: Tensor) -> Tensor:
        return torch.cat([latents, (state - self.mean) / self.std, relative(latents, state), free, text], 1)

    def chunk(self, hidden: Tensor) -> Tensor:
        x = F.relu(hidden)
        x = x + F.relu(self.block1(x))
        x = x + F.relu(self.block2(x))
        return self.out(x).reshape(-1, CHUNK, 7)

    def after(self, actions: Tensor, given: Tensor, latents: Tensor, free: Tensor, state: Tensor, text: Tensor) -> Tensor:
        """
        The chunk that begins with `given` [B, 8] (ones, then zeros) of `actions` [B, 8, 7] (scaled deltas, gripper). The head
        works from the pose they lead to, and its first action comes after them; what is given is not in the output.
        """
        actions = actions * given.unsqueeze(-1)
        moved = actions[..., :6].sum(1) * torch.tensor(DELTA_SCALE)
        then = torch.cat([state[:, :6] + moved, state[:, 6:]], 1)
        seen = torch.cat([(state - self.mean) / self.std, relative(latents, state)], 1)
        way = self.prefix(torch.cat([actions.flatten(1), given, seen], 1))
        out = self.chunk(self.inputs(self.features(latents, free, then, text)) + way)
        row = torch.arange(CHUNK).unsqueeze(0) - given.sum(1, keepdim=True).long()
        return out.gather(1, row.clamp(min=0).unsqueeze(-1).expand(-1, -1, 7))


def relative(latents: Tensor, state: Tensor) -> Tensor:
    """Where target and goal are, seen from the tool: what a reaching motion depends on."""
    sx, sy, sz = LATENT_SCALE
    yaw4 = 4 * state[:, 5:6]
    sin, cos = torch.sin(yaw4), torch.cos(yaw4)
    target_sin, target_cos = latents[:, 3:4], latents[:, 4:5]
    return torch.cat(
        [
            (latents[:, 0:1] * sx - state[:, 0:1]) * RELATIVE_GAIN,
            (latents[:, 1:2] * sy - state[:, 1:2]) * RELATIVE_GAIN,
            (latents[:, 2:3] * sz + TARGET_Z_OFFSET - state[:, 2:3]) * RELATIVE_GAIN,
            target_sin * cos - target_cos * sin,
            target_cos * cos + target_sin * sin,
            (latents[:, 5:6] * sx - state[:, 0:1]) * RELATIVE_GAIN,
            (latents[:, 6:7] * sy - state[:, 1:2]) * RELATIVE_GAIN,
        ],
        1,
    )


class Policy(nn.Module):
    def __init__(
        self, words: int, text_width: int = 128, queries: int = 8, key_width: int = 32, free: int = 64, prefix: bool = False
    ):
        super().__init__()
        self.free = free
        self.prefix = prefix
        self.text = TextEncoder(words, text_width)
        self.perception = Perception(text_width, queries, key_width, free)
        self.head = ActionHead(text_width, free, prefix=prefix)
        self.register_buffer("delta_scale", torch.tensor(DELTA_SCALE))

    def forward(self, image: Tensor, state: Tensor, tokens: Tensor, *prefix: Tensor) -> Tensor:
        """
        Actions [B, 8, 7] in metres and radians a tick, and the gripper's opening 0..1. `prefix`: actions [B, 8, 7] and weights
        [B, 8]; those of weight 1 come back unchanged, and the others continue them. A weight below 1 is no certainty, and
        counts as none.
        """
        text = self.text(tokens)
        latents, free, _ = self.perception(image, text)
        if not self.prefix:
            return self.physical(self.head(latents, free, state, text))
        prefix_actions, prefix_weights = prefix
        given = (prefix_weights >= 1).float()
        out = self.physical(self.head.after(self.scaled(prefix_actions), given, latents, free, state, text))
        return torch.where(given.unsqueeze(-1) > 0, prefix_actions, out)

    def physical(self, out: Tensor) -> Tensor:
        return torch.cat([out[..., :6] * self.delta_scale, torch.sigmoid(out[..., 6:])], -1)

    def scaled(self, actions: Tensor) -> Tensor:
        return torch.cat([actions[..., :6] / self.delta_scale, actions[..., 6:]], -1)
