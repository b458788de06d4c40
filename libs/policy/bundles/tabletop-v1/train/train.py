"""
Trains tabletop-v1 from nothing, on a CPU: `python train.py --out build`. Needs the simulator built (`npx tsc -b apps/simulator`).
Then `python train.py --out build-rtc --prefix build/policy.pt` makes tabletop-rtc-v1 of it.

Stage 1: text encoder and action head on the simulator's true latents, without frames. Stage 2: warm, while perception
learns to find the latents; then end to end; in the last part the learner's own mistakes come in (DAgger). The warm part
ends when perception is good enough, not after a time. The averaged weights (EMA) are what is exported.

With `--prefix`: perception stays as it is, and the head learns to continue 0 to 4 actions that are decided already.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export import check_parity, export
from losses import full_loss, head_loss, prefix_loss
from model import LATENTS, Policy
from simulator import Simulator

BATCH = 128
ROUND = 160  # steps between two deliveries of new frames
POOL = 60_000  # frames kept; new ones replace random old ones
WARM_UNTIL = 0.16  # perception's loss at which the head is given what perception finds
LEARNER_FROM = 0.6  # of all steps
EMA = 0.998
PEAK_RATE = 1.5e-3
MOST_GIVEN = 4  # half a chunk: what is left has to last for the execution horizon


def batch_of(samples: np.ndarray, indices: np.ndarray) -> dict[str, Tensor]:
    chosen = samples[indices]
    batch = {name: torch.from_numpy(np.ascontiguousarray(chosen[name])) for name in chosen.dtype.names}
    batch["tokens"] = batch["tokens"].long()
    return batch


def learning_rate(step: int, steps: int, peak: float) -> float:
    """100 steps up, then a cosine down to 2 %."""
    return peak * min(1, (step + 1) / 100) * max(0.02, 0.5 * (1 + math.cos(math.pi * step / steps)))


def train_head(policy: Policy, simulator: Simulator, random: np.random.Generator, steps: int) -> None:
    samples = simulator.states(300_000)
    optimizer = torch.optim.AdamW([*policy.text.parameters(), *policy.head.parameters()], lr=2e-3, weight_decay=1e-4)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, 2e-3)
        loss = head_loss(policy, batch_of(samples, random.integers(0, len(samples), 256)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 200 == 0:
            print(f"stage 1 step {step + 1} loss {loss.item():.4f}", flush=True)
    with torch.no_grad():  # the head has never seen free features: begin as if they were not there
        policy.head.inputs.weight[:, LATENTS + 14 : LATENTS + 14 + policy.free] = 0


def average_into(ema: nn.Module, policy: nn.Module, step: int) -> None:
    keep = min(EMA, (step + 1) / (step + 20))
    with torch.no_grad():
        for mine, new in zip(ema.parameters(), policy.parameters()):
            mine.mul_(keep).add_(new, alpha=1 - keep)
        for mine, new in zip(ema.buffers(), policy.buffers()):
            mine.copy_(new)


def train_policy(policy: Policy, simulator: Simulator, random: np.random.Generator, steps: int, out: Path) -> Policy:
    ema = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    pool = simulator.frames(expert=3000, scattered=9000).result()
    warm, started, drawn = True, time.time(), len(pool)
    for first in range(0, steps, ROUND):
        if first >= LEARNER_FROM * steps:
            export(ema, out / "learner.onnx")
            coming = simulator.frames(expert=1500, scattered=2500, learner=(3000, out / "learner.onnx"))
        elif warm:
            coming = simulator.frames(expert=2500, scattered=7500)
        else:
            coming = simulator.frames(expert=4500, scattered=3500)
        policy.train()
        losses = []
        for step in range(first, min(first + ROUND, steps)):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, PEAK_RATE)
            batch = batch_of(pool, random.integers(0, len(pool), BATCH))
            loss, action, perception = full_loss(policy, batch, true_latents=warm)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            average_into(ema, policy, step)
            losses.append((action, perception))
        action, perception = np.mean(losses, 0)
        print(
            f"stage 2 step {step + 1} samples {(step + 1) * BATCH} frames {drawn} warm {warm} action {action:.4f} "
            f"perception {perception:.4f} seconds {time.time() - started:.0f}",
            flush=True,
        )
        warm = warm and perception > WARM_UNTIL
        torch.save(ema.state_dict(), out / "policy.pt")
        fresh = coming.result()
        drawn += len(fresh)
        pool = replace(pool, fresh, random)
    return ema


def train_prefix(policy: Policy, simulator: Simulator, random: np.random.Generator, steps: int, out: Path) -> Policy:
    ema = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(policy.head.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    for module in (policy.text, policy.perception):
        module.requires_grad_(False)
    policy.eval()
    pool = simulator.frames(expert=6000, scattered=4000).result()
    started, drawn = time.time(), len(pool)
    for first in range(0, steps, ROUND):
        export(ema, out / "learner.onnx")
        coming = simulator.frames(expert=3000, scattered=1000, learner=(4000, out / "learner.onnx"))
        policy.eval()
        losses = []
        for step in range(first, min(first + ROUND, steps)):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, PEAK_RATE)
            loss = prefix_loss(policy, batch_of(pool, random.integers(0, len(pool), BATCH)))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.head.parameters(), 1.0)
            optimizer.step()
            average_into(ema, policy, step)
            losses.append(loss.item())
        print(f"step {step + 1} frames {drawn} action {np.mean(losses):.4f} seconds {time.time() - started:.0f}", flush=True)
        torch.save(ema.state_dict(), out / "policy.pt")
        fresh = coming.result()
        drawn += len(fresh)
        pool = replace(pool, fresh, random)
    return ema


def replace(pool: np.ndarray, fresh: np.ndarray, random: np.random.Generator) -> np.ndarray:
    room = max(0, min(POOL - len(pool), len(fresh)))
    pool[random.choice(len(pool), len(fresh) - room, replace=False)] = fresh[room:]
    return np.concatenate([pool, fresh[:room]]) if room else pool


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1, help="of the weights and the batches")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--head-steps", type=int, default=1650)
    arguments.add_argument("--steps", type=int, default=2080)
    arguments.add_argument("--prefix", type=Path, help="weights of tabletop-v1 to go on from")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    random = np.random.default_rng(options.seed)
    simulator = Simulator(options.seed, MOST_GIVEN if options.prefix else 0)
    policy = Policy(len(simulator.vocabulary()), prefix=options.prefix is not None)
    print(f"{sum(p.numel() for p in policy.parameters())} parameters", flush=True)
    if options.prefix:
        policy.load_state_dict(torch.load(options.prefix), strict=False)
        policy = train_prefix(policy, simulator, random, options.steps, options.out)
    else:
        train_head(policy, simulator, random, options.head_steps)
        policy = train_policy(policy, simulator, random, options.steps, options.out)
    export(policy, options.out / "policy.onnx")
    worst = check_parity(policy, options.out / "policy.onnx", simulator.frames(expert=32, scattered=32).result())
    print(f"graph equals network within {worst:.1e}", flush=True)
    simulator.close()


if __name__ == "__main__":
    main()
