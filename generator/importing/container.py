"""What a node's container is -> `run` of a spec: its image or stock server, port, user and probes."""

import re
from typing import Any

from generator.document import Path
from generator.importing import amounts
from generator.importing.ledger import Change, Ledger, UnsayableError
from generator.importing.runtime import Part
from generator.model import Protocol
from generator.resolve import defaults
from generator.rules.protocols import SERVERS
from generator.seldon.objects import Object, named

Spec = dict[str, Any]

_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_NAMED = r"[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]+)?(/" + _PART + r")+"
_TAGGED = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
_IMAGE = re.compile(_NAMED + _TAGGED)  # the schema's `image`
_URI = re.compile(r"[a-z][a-z0-9+.-]*:(//)?[^\s\"'\\$`]+")
_ROUTE = re.compile(r"(/|(/[A-Za-z0-9_~:@-]+(\.[A-Za-z0-9_~:@-]+)*)+)")
_PORTS = range(1024, 65536)
_USERS = range(1, 65536)
_NODE_GRPC = 9500  # what a container gets that declares none: build/pods.py
_HUB = "docker.io/library/"
_PROBES = (("live", "livenessProbe"), ("ready", "readinessProbe"))
_STARTUP_PERIOD_S = 5  # build/container.py


def served(node: Object, place: Path, ledger: Ledger) -> Spec:
    """Return `run` of a stock server.

    Raises:
        UnsayableError: A spec does not know the server, or cannot write where its model is.
    """
    server, uri = node["implementation"], node.get("modelUri") or ""
    if server not in SERVERS:
        todo = "build an image that holds the server and the model, and import again"
        raise UnsayableError((*place, "implementation"), f"a spec does not know the stock server {server}", todo)
    if uri and not _URI.fullmatch(uri):
        raise UnsayableError((*place, "modelUri"), "this is no URL", "write it as a URL, like s3://<bucket>/<path>")
    ledger.say((*place, "implementation"), (*place, "modelUri"))
    return {"server": server, **({"modelUri": uri} if uri else {})}


def image_run(part: Part, protocol: Protocol, ledger: Ledger, *, counted: int = defaults.NODE_PORT) -> Spec:
    """Return `run` of a container from an image.

    ``counted``: the HTTP port that the operator gives the container where it declares none.

    Raises:
        UnsayableError: The image cannot be written.
    """
    bento = protocol is Protocol.BENTO
    usual = defaults.BENTO_PORT if bento else defaults.NODE_PORT
    port = _port(part, "http", ledger) or (counted if bento else 0)
    grpc = 0 if bento else _port(part, "grpc", ledger)
    user = _user(part, ledger)
    probes = _probes(part, port or usual, ledger, bento=bento)
    if bento and len(probes) < len(_PROBES):
        reason = "without executor gen asks /livez and /readyz how the container is; it opened its port before"
        todo = "if it is no Bento, name paths that answer 200: run.probes"
        ledger.note((*part.place, "name"), Change.OTHERWISE, reason, todo)
    return {
        "image": image(part, ledger),
        **({"port": port} if port and port != usual else {}),
        **({"grpcPort": grpc} if grpc and grpc not in (port or usual, _NODE_GRPC) else {}),
        **({"user": user} if user and user != defaults.SELDON_USER else {}),
        **({"probes": probes} if probes else {}),
    }


def image(part: Part, ledger: Ledger) -> str:
    """Return the image as a spec writes it: with its registry, and with a tag or digest.

    Raises:
        UnsayableError: There is no such text.
    """
    place = (*part.place, "image")
    given = str(part.container.get("image") or "")
    written = whole_image(given)
    if not written:
        raise UnsayableError(place, "this is no image that a registry can have", "name the image by its digest")
    ledger.say(place)
    if not given.endswith(written.removeprefix(_HUB)):
        reason = f"an image without a tag is the latest one: {written} is written"
        ledger.note(place, Change.OTHERWISE, reason, "name the digest that serves today")
    return written


def whole_image(given: str) -> str:
    """Return an image with what container runtimes add to a short one; "" if it fits no spec."""
    tagged = given if re.search(r"(:[^/]+|@[^/]+)$", given) else f"{given}:latest"
    return next((text for text in (tagged, f"{_HUB}{tagged}") if _IMAGE.fullmatch(text)), "")


def startup_s(part: Part, ledger: Ledger) -> int:
    """Return how many seconds the container may take until it answers, 0 where it does not say so as gen does."""
    probe = part.container.get("startupProbe") or {}
    if probe.get("periodSeconds") != _STARTUP_PERIOD_S or not probe.get("failureThreshold"):
        return 0
    ledger.say((*part.place, "startupProbe", "failureThreshold"))
    seconds: int = _STARTUP_PERIOD_S * probe["failureThreshold"]
    return seconds if amounts.time(seconds) else 0


def _port(part: Part, name: str, ledger: Ledger) -> int:
    declared = named(part.container.get("ports"), name)
    if declared is None or declared["containerPort"] not in _PORTS:
        return 0
    place = (*part.place, "ports", part.container["ports"].index(declared))
    if set(declared) <= {"name", "containerPort", "protocol"} and declared.get("protocol", "TCP") == "TCP":
        ledger.say(place)
    else:
        ledger.say((*place, "name"), (*place, "containerPort"))
    port: int = declared["containerPort"]
    return port


def _user(part: Part, ledger: Ledger) -> int:
    """Return the user that the process runs as, 0 where a spec cannot say it; the container's word counts first."""
    for holder, place in ((part.container, part.place), (part.pod, part.pod_place)):
        user = (holder.get("securityContext") or {}).get("runAsUser")
        if user is not None:
            if user not in _USERS or (holder is part.pod and part.beside_server):
                return 0
            ledger.say((*place, "securityContext", "runAsUser"))
            return int(user)
    return 0


def _probes(part: Part, port: int, ledger: Ledger, *, bento: bool) -> Spec:
    """Return the paths that probes ask for."""
    found: Spec = {}
    for word, key in _PROBES:
        path = _asked(part, key, port, ledger)
        if path:
            found[word] = path
        elif not bento:
            say_open(part, port, ledger)
    return found


def say_open(part: Part, port: int, ledger: Ledger) -> None:
    """Say of probes that look whether the HTTP port is open: gen's do too, where nothing else is said."""
    for _, key in _PROBES:
        if ((part.container.get(key) or {}).get("tcpSocket") or {}).get("port") in ("http", port):
            ledger.say((*part.place, key, "tcpSocket"))


def _asked(part: Part, key: str, port: int, ledger: Ledger) -> str:
    """Return the path that a probe asks for on the HTTP port, "" where it does something else."""
    asked = (part.container.get(key) or {}).get("httpGet") or {}
    path = str(asked.get("path") or "/")
    plain = set(asked) <= {"path", "port", "scheme"} and asked.get("scheme", "HTTP") == "HTTP"
    if not asked or not plain or asked["port"] not in ("http", port) or not _ROUTE.fullmatch(path):
        return ""
    ledger.say((*part.place, key, "httpGet"))
    return path
