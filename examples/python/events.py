#!/usr/bin/python3 -u
"""Prints what happens in a cluster as it happens, a line for each event. Finds it as framework.py."""
import json, os
from framework import CLUSTER, Nats

EVENTS = f"{CLUSTER}.event."


def show(subject, message):
    for event in message["events"]:
        print(subject.removeprefix(EVENTS), json.dumps(event))


nats = Nats(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
nats.subscribe(EVENTS + ">", show)
print(f"listening to {EVENTS}>")
nats.run()
