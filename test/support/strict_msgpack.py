"""Reads one case a line and answers each with a line.

`decode HEX` is answered with TYPED, `encode TYPED` with HEX. `message NAME HEX` is held against
docs/schema/NAME.schema.json; its answer is the same value as HEX packed here, or `wrong: WHERE: WHAT`.

TYPED is JSON that says the type of each value: ["int", "7"], ["float", HEX of its eight bytes],
["str", ...], ["bin", HEX], ["bool", ...], ["nil"], ["list", [...]], ["map", [[key, TYPED], ...]].
Nothing is guessed: an integer that came as a float is a float here.
"""
import json
import struct
import sys

import msgpack
from strict_schema import Wrong, check, load_schema


def refuse(code, data):
    raise Wrong(f"extension type {code}")


def unpack(text):
    return msgpack.unpackb(bytes.fromhex(text), raw=False, strict_map_key=True, ext_hook=refuse)


def pack(value):
    return msgpack.packb(value, use_bin_type=True).hex()


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


def message(name, text):
    try:
        value = unpack(text)
        check(value, load_schema(name), name)
        return pack(value)
    except Wrong as problem:
        return f"wrong: {problem}"


for line in sys.stdin:
    verb, *words = line.strip().split(" ", 2 if line.startswith("message") else 1)
    if verb == "decode":
        print(json.dumps(typed(unpack(*words))))
    elif verb == "message":
        print(message(*words))
    else:
        print(pack(untyped(json.loads(*words))))
