"""Reads one case a line, `decode HEX` or `encode TYPED`, and answers each with a line.

TYPED is JSON that says the type of each value: ["int", "7"], ["float", HEX of its eight bytes],
["str", ...], ["bin", HEX], ["bool", ...], ["nil"], ["list", [...]], ["map", [[key, TYPED], ...]].
Nothing is guessed: an integer that came as a float is a float here.
"""
import json
import struct
import sys

import msgpack


def refuse(code, data):
    raise ValueError(f"extension type {code}")


def typed(value):
    if value is None:
        return ["nil"]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", struct.pack(">d", value).hex()]
    if isinstance(value, str):
        return ["str", value]
    if isinstance(value, bytes):
        return ["bin", value.hex()]
    if isinstance(value, list):
        return ["list", [typed(item) for item in value]]
    return ["map", [[key, typed(item)] for key, item in value.items()]]


def untyped(pair):
    kind, value = pair[0], pair[1] if len(pair) > 1 else None
    if kind == "int":
        return int(value)
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(value))[0]
    if kind == "bin":
        return bytes.fromhex(value)
    if kind == "list":
        return [untyped(item) for item in value]
    if kind == "map":
        return {key: untyped(item) for key, item in value}
    return value


for line in sys.stdin:
    verb, _, case = line.strip().partition(" ")
    if verb == "decode":
        value = msgpack.unpackb(bytes.fromhex(case), raw=False, strict_map_key=True, ext_hook=refuse)
        print(json.dumps(typed(value)))
    else:
        print(msgpack.packb(untyped(json.loads(case)), use_bin_type=True).hex())
