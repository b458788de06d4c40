"""Reads a recording with the stock readers: mcap and its protobuf support, the schemas that Foxglove ships, Rerun. Prints JSON."""

import json
import subprocess
import sys
import tempfile
from importlib import import_module

from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

path = sys.argv[1]
counts, logs, images, alike, differ = {}, [], [], [], []


def theirs(name):
    """A message as Foxglove publishes it, or None where this release has it not."""
    package, short = name.split(".")
    if package != "foxglove":
        return None
    try:
        return getattr(import_module(f"foxglove_schemas_protobuf.{short}_pb2"), short).DESCRIPTOR
    except ImportError:
        return None


def same(ours, known):
    """Each of our fields is one of theirs: by name, number, type and cardinality, and so on inwards."""
    for field in ours.fields:
        other = known.fields_by_name.get(field.name)
        if other is None or (field.number, field.type, field.has_presence) != (other.number, other.type, other.has_presence):
            return False
        if field.message_type is not None and not same(field.message_type, other.message_type):
            return False
    return True


with open(path, "rb") as file:
    reader = make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
    statistics = reader.get_summary().statistics
    for schema, channel, _, message in reader.iter_decoded_messages():
        if channel.topic not in counts:
            known = theirs(schema.name)
            if known is not None:
                (alike if same(message.DESCRIPTOR, known) else differ).append(schema.name)
        counts[channel.topic] = counts.get(channel.topic, 0) + 1
        if channel.topic == "/log":
            logs.append(message.message)
        if schema.name == "foxglove.CompressedImage" and not images:
            images.append({"format": message.format, "bytes": len(message.data), "frame_id": message.frame_id})

out = {
    "messages": statistics.message_count,
    "counts": counts,
    "logs": logs,
    "images": images,
    "alike": alike,
    "differ": differ,
    "metadata": {record.name: dict(record.metadata) for record in make_reader(open(path, "rb")).iter_metadata()},
}

# As a person opens it: Rerun reads it whole, and shows what it took for what.
if len(sys.argv) > 2:
    with tempfile.TemporaryDirectory() as folder:
        rerun = [sys.argv[2]]
        subprocess.run(rerun + ["mcap", "convert", path, "-o", f"{folder}/x.rrd"], check=True, capture_output=True)
        shown = subprocess.run(rerun + ["rrd", "print", f"{folder}/x.rrd"], check=True, capture_output=True, text=True)
        out["rerun"] = shown.stdout

print(json.dumps(out))
