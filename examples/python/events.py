#!/usr/bin/python3 -u
"""Prints what happens in a cluster as it happens: a line for each event. Finds it as framework.py."""
import json, os
from framework import CLUSTER, Nats


def show(subject, message):
    for event in message["events"]:
        print(subject.removeprefix(f"{CLUSTER}.event."), json.dumps(event, default=bytes.hex))


nats = Nats(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
nats.subscribe(f"{CLUSTER}.event.>", show)
nats.run()
