"""Checks golden.json with Python's msgpack (1.2): every frame unpacks strictly, has the types of W0 (whole numbers are
int, vectors float), and its values pack to exactly the same bytes again."""

import json
import pathlib

import msgpack

PATH = pathlib.Path(__file__).with_name("golden.json")
#: Fields that are vectors of reals: float on the wire even where an entry is whole.
VECTORS = {"values", "state", "start_pose"}
#: Fields that are counters or ids: never float.
INTEGERS = {"seq", "observation_seq", "applied_seq", "first_tick", "log_id", "epoch", "checks_passed", "execute"}


def check(name, key, value):
    if isinstance(value, dict):
        for inner, item in value.items():
            assert isinstance(inner, str), (name, inner)
            # `robot` is free data, and `inputs.state` is a description
            check(name, None if key in ("robot", "inputs") else inner, item)
    elif key in VECTORS and isinstance(value, list):
        assert all(type(item) is float for item in value), (name, key, value)
    elif isinstance(value, list):
        for item in value:
            check(name, key, item)
    elif key in INTEGERS:
        assert type(value) is int, (name, key, value)
    elif isinstance(value, float):
        assert not value.is_integer() or key is None, (name, key, value)


for name, frame in json.loads(PATH.read_text()).items():
    data = bytes.fromhex(frame)
    message = msgpack.unpackb(data, raw=False, strict_map_key=True)
    check(name, None, message)
    assert msgpack.packb(message, use_bin_type=True) == data, name
    print(f"{name}: {len(data)} bytes")
