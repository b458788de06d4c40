"""Samples from apps/simulator over a pipe (apps/simulator/src/data/main.ts), and the JPEG artefacts that robots send."""

import io
import json
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[5]
DATA_MAIN = REPOSITORY / "apps/simulator/dist/data/main.js"

LABELS = np.dtype([("state", "<f4", 7), ("chunk", "<f4", (8, 7)), ("latents", "<f4", 7), ("tokens", "u1", 16), ("given", "u1")])
SAMPLES = np.dtype([*((name, LABELS[name]) for name in LABELS.names), ("image", "u1", (96, 96, 3))])
RAW_SHARE = 0.15  # frames that stay as the sensor gave them: robots may send rgb8
COARSE_CHROMA_SHARE = 0.7  # of the others: 4:2:0, as cameras do; the rest 4:4:4
QUALITY = (75, 96)


class Simulator:
    """One Node process; requests are answered in order by a thread, so that drawing overlaps training."""

    def __init__(self, seed: int = 0, prefix: int = 0):
        """`prefix`: up to so many of a chunk's actions are given."""
        command = ["node", str(DATA_MAIN), "--prefix", str(prefix)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.thread = ThreadPoolExecutor(1)
        self.random = np.random.default_rng(seed)

    def vocabulary(self) -> list[str]:
        return self.thread.submit(lambda: json.loads(self._ask("vocabulary").readline())).result()

    def states(self, count: int) -> np.ndarray:
        return self.thread.submit(lambda: self._read("states", count, LABELS)).result()

    def frames(self, **counts: int | tuple[int, Path]) -> "Future[np.ndarray]":
        """frames(scattered=2500, expert=1500, learner=(3000, graph)): the samples of all of them together."""
        return self.thread.submit(self._frames, counts)

    def _frames(self, counts: dict) -> np.ndarray:
        parts = []
        for kind, count in counts.items():
            number, *graph = count if isinstance(count, tuple) else (count,)
            parts.append(self._read(kind, number, SAMPLES, *map(str, graph)))
        samples = np.concatenate(parts)
        for image in samples["image"]:
            self._photograph(image)
        return samples

    def _photograph(self, image: np.ndarray) -> None:
        if self.random.random() < RAW_SHARE:
            return
        coarse = self.random.random() < COARSE_CHROMA_SHARE
        encoded = io.BytesIO()
        quality = int(self.random.integers(*QUALITY))
        Image.fromarray(image).save(encoded, "JPEG", quality=quality, subsampling=2 if coarse else 0)
        image[:] = np.asarray(Image.open(encoded))

    def _read(self, kind: str, count: int, layout: np.dtype, *arguments: str) -> np.ndarray:
        stream = self._ask(" ".join([kind, str(count), *arguments]))
        return np.frombuffer(bytearray(stream.read(count * layout.itemsize)), layout)

    def _ask(self, request: str):
        self.process.stdin.write(f"{request}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout

    def close(self) -> None:
        self.thread.shutdown()
        self.process.stdin.close()
        self.process.wait()
