"""A bad network, packet by packet: what one TUN device sends reaches the other late, out of step, or not at all.

For kernels without `tc netem`: TCP above it sees true loss and reordering, and recovers from them itself. One device
stays where this runs, the other is moved into a namespace.
usage: tun-link.py HERE THERE NAMESPACE DELAY_MS JITTER_MS LOSS SEED
"""
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main():
    here, there, namespace = sys.argv[1:4]
    delay, jitter, loss = (float(x) for x in sys.argv[4:7])
    chance = random.Random(int(sys.argv[7]))
    fds = [device(here), device(there)]
    subprocess.check_call(["ip", "link", "set", there, "netns", namespace])
    print("ready", flush=True)
    other = {fds[0]: fds[1], fds[1]: fds[0]}
    waiting, order = [], 0
    stdin = sys.stdin.fileno()
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([*fds, stdin], [], [], wait)
        # Whoever started it is gone.
        if stdin in readable and not os.read(stdin, 4096):
            return
        for fd in readable:
            if fd == stdin:
                continue
            packet = os.read(fd, 65536)
            if chance.random() < loss:
                continue
            at = time.monotonic() + (delay + jitter * chance.random()) / 1000
            heapq.heappush(waiting, (at, order, other[fd], packet))
            order += 1
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, fd, packet = heapq.heappop(waiting)
            try:
                os.write(fd, packet)
            except OSError:
                pass  # a device that is down, or full, loses it: so do networks


main()
