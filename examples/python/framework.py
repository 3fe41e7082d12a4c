#!/usr/bin/python3 -u
"""A Bourse framework of a socket and msgpack, to port: declines an offer, accepts one, runs `echo`.
Its cluster: NATS_URL (nats://user:password@host:4222), BOURSE_CLUSTER and BOURSE_PRINCIPAL."""
import json, msgpack, os, secrets, socket, sys, urllib.parse as urls

CLUSTER = os.environ.get("BOURSE_CLUSTER", "bourse")
ME = f"{os.environ.get('BOURSE_PRINCIPAL', 'local')}.python-{secrets.token_hex(8)}"
SECRET = secrets.token_hex(16)  # Who knows it may take our place.
TASK = {"resources": {"cpus": 0.1, "mem": 32}, "command": {"argv": ["echo", "hello"]}}
NOWHERE = ("TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN")
ENDED = ("TASK_FINISHED", "TASK_FAILED", "TASK_ERROR", "TASK_KILLED")


class Nats:  # As much of the text protocol of NATS as is needed here.
    def __init__(self, url):
        at, self.handlers = urls.urlsplit(url), []
        try:
            self.socket = socket.create_connection((at.hostname, at.port or 4222))
        except OSError as why: sys.exit(f"no NATS server answers at {at.hostname}: {why}")
        user = {"user": urls.unquote(at.username or ""), "pass": urls.unquote(at.password or "")}
        self.send("CONNECT " + json.dumps({"verbose": False, **user}))

    def send(self, line, rest=b""):
        self.socket.sendall(line.encode() + b"\r\n" + rest)

    def subscribe(self, subject, handler):
        self.send(f"SUB {subject} {len(self.handlers)}")
        self.handlers.append(handler)

    def publish(self, subject, message, reply=""):
        payload = msgpack.packb(message)
        self.send(f"PUB {subject} {reply} {len(payload)}", payload + b"\r\n")

    def run(self):
        incoming = self.socket.makefile("rb")
        while (line := incoming.readline().decode()) and not line.startswith("-ERR"):
            verb, *words = line.split()
            if verb == "MSG":  # subject, number of the subscription, perhaps a reply, length
                payload = incoming.read(int(words[-1]) + 2)[:-2]
                self.handlers[int(words[1])](words[0], msgpack.unpackb(payload))
            elif verb == "PING":
                self.send("PONG")
        sys.exit(line or "the connection to NATS is lost")


class Framework:
    def __init__(self, nats):
        self.nats, self.leader, self.known_to, self.answered = nats, 0, 0, 0
        self.task, self.agent, self.state, self.number = None, None, None, [0, 0]
        nats.subscribe(f"_INBOX.{CLUSTER}.framework.{ME}.*", self.hear_answer)
        nats.subscribe(f"{CLUSTER}.framework.{ME}", self.hear_events)
        nats.subscribe(f"{CLUSTER}.update.{ME}.*", self.hear_updates)
        nats.subscribe(f"{CLUSTER}.leader", self.hear_leader)
        nats.run()

    def call(self, verb, **fields):
        inbox = f"_INBOX.{CLUSTER}.framework.{ME}.{verb}"
        self.nats.publish(f"{CLUSTER}.master.framework.{ME}.{verb}", fields, inbox)

    def hear_answer(self, subject, answer):  # {}, or the {name, message} of a refusal
        verb, name = subject.split(".")[-1], answer.get("name")
        if name == "torn-down" or verb == "teardown" and name in (None, "not-subscribed"):
            sys.exit(None if self.state == "TASK_FINISHED" else answer.get("message", 1))
        if name:
            print(f"{verb} was refused: {answer['name']}: {answer['message']}")
            self.task = None if verb == "accept" else self.task

    def hear_leader(self, _, beat):  # Every second: what may have been lost is said again.
        self.leader = max(self.leader, beat["epoch"])
        if self.known_to < self.leader:
            known = {"known": self.known_to > 0, "epoch": self.leader}
            self.call("subscribe", name="echo in Python", secret=SECRET, **known)
        elif self.state in ENDED:
            self.call("teardown")
        elif self.task:  # With many tasks, once a minute will do.
            self.call("reconcile", tasks=[{"taskId": self.task, "agentId": self.agent}])

    def hear_events(self, _, message):
        for event in message["events"] if message["epoch"] == self.leader else []:
            for offer in event["offers"] if event["kind"] == "offers" else []:
                self.answer_offer(offer)
            if event["kind"] == "subscribed":
                self.known_to = self.leader
            elif event["kind"] == "status":
                self.hear_status(event["status"])
            elif event["kind"] == "ping":
                self.call("pong")
            elif event["kind"] == "error":  # Torn down, by us or by somebody else.
                sys.exit(None if self.state == "TASK_FINISHED" else event["message"])

    def answer_offer(self, offer):
        self.answered += 1
        node, has = offer["agentId"], {e["name"]: e.get("scalar", 0) for e in offer["resources"]}
        fits = all(has.get(name, 0) >= least for name, least in TASK["resources"].items())
        if self.answered == 1 or self.task or not fits:
            reason = "too small" if not fits else "one is enough" if self.task else "the first one"
            print(f"declined an offer of {node}: {reason}")
            return self.call("decline", offers=[offer["offerId"]], refuseMs=1000, reason=reason)
        print(f"accepted an offer of {node}")
        self.task, self.agent, self.state, self.number = f"echo-{self.answered}", node, None, [0, 0]
        launch = {"kind": "launch", "tasks": [{"taskId": self.task, **TASK}]}
        self.call("accept", offers=[offer["offerId"]], operations=[launch])

    def hear_updates(self, subject, message):  # An agent repeats them until they are acknowledged.
        for status in (statuses := message["statuses"]):
            self.hear_status(status)
        acks = [{"taskId": s["taskId"], "uuid": s["uuid"]} for s in statuses if "uuid" in s]
        self.nats.publish(subject.replace(".update.", ".ack.", 1), {"acks": acks})

    def hear_status(self, status):
        n, state = status.get("number"), status["state"]  # Later ones have higher numbers.
        number = [n["incarnation"], n["count"]] if n else self.number
        is_news = number >= self.number and state not in (self.state, "TASK_STAGING")
        if status["taskId"] == self.task and is_news and self.state not in ENDED:
            self.number, self.state = number, state
            print(f"{self.task} is {state}")
            self.task = None if state in NOWHERE else self.task


if __name__ == "__main__":
    Framework(Nats(os.environ.get("NATS_URL", "nats://127.0.0.1:4222")))
