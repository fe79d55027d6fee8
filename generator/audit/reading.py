"""Read a request from what people have at hand: the claims of a token, a line of the access log."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from generator.access.parse import read_token
from generator.access.request import Protocol, Request, Token
from generator.access.tree import MESH_SETTINGS
from generator.diag import ToolError
from generator.tenancy import Object

HTTPS = 443
BEARER = "Bearer "
NOTHING_LOGGED = ("", "-", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read: the request without its identity, and the token or the caller's principal where it shows one."""

    request: Request
    token: Token | None = None
    principal: str = ""
    shows_token: bool = False  # a token stands there, be it only the name of a variable
    logged: Mapping[str, str] | None = None


def claims(text: str) -> Token:
    """Return the token that a text is: a JSON Web Token, or its claims as JSON.

    Raises:
        ToolError: It is neither.
    """
    said = text.strip().removeprefix(BEARER)
    if said.startswith("{"):
        try:
            found = json.loads(said)
        except ValueError as problem:
            raise ToolError(f'the claims are no JSON: {problem}\n  write them like {{"email": "…"}}') from None
        return Token(claims=found)
    token = read_token(said)
    if isinstance(token, str):
        raise ToolError(f"that is no token: {token}\n  give a JSON Web Token, or its claims as JSON")
    return token


def log_line(line: str, objects: Iterable[Object], time: int) -> Read:
    """Return the request that a line of the access log tells of, in the format of the rendered mesh settings.

    Raises:
        ToolError: It is no JSON, or has no path and host.
    """
    start = line.find("{")
    try:
        said = json.loads(line[start:]) if start >= 0 else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ToolError("the line is none of the access log\n  copy all of it, from { to }")
    names = _labels(objects)
    logged = {command: said.get(label) for command, label in names.items()}

    def value(command: str) -> str:
        found = logged.get(command)
        return "" if found in NOTHING_LOGGED else str(found)

    path = value("%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH)%") or value("%REQ_WITHOUT_QUERY(:PATH)%")
    if not path or not value("%REQ(:AUTHORITY)%"):
        raise ToolError("the line has neither path nor host\n  give a line in the format of the mesh settings")
    known = _claims(logged)
    peer = value("%DOWNSTREAM_PEER_URI_SAN%").removeprefix("spiffe://")
    is_grpc = bool(value("%GRPC_STATUS%")) or "." in path.split("/")[1]
    host, _, port = value("%REQ(:AUTHORITY)%").lower().partition(":")
    request = Request(
        method=value("%REQ(:METHOD)%") or "GET",
        path=path,
        authority=value("%REQ(:AUTHORITY)%").lower(),
        protocol=Protocol.GRPC if is_grpc else Protocol.HTTP,
        port=int(port) if port.isdecimal() else HTTPS,
        sni=host,
        time=time,
    )
    shown = {
        "code": value("%RESPONSE_CODE%"),
        "details": value("%RESPONSE_CODE_DETAILS%"),
        "policy": value("%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%"),
    }
    token = Token(claims=known) if known else None
    return Read(request=request, token=token, principal=peer, shows_token=bool(known), logged=shown)


def _labels(objects: Iterable[Object]) -> dict[str, str]:
    """Return the label that each command of Envoy's log format has in the rendered mesh settings."""
    for obj in objects:
        if obj["kind"] == "ConfigMap" and obj["metadata"]["name"] == MESH_SETTINGS:
            mesh = yaml.load(obj["data"].get("mesh", ""), Loader=yaml.CSafeLoader) or {}
            for provider in mesh.get("extensionProviders") or ():
                labels = ((provider.get("envoyFileAccessLog") or {}).get("logFormat") or {}).get("labels") or {}
                if labels:
                    return {str(command): str(label) for label, command in labels.items()}
    return {}


def _claims(logged: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that the log tells: those of payload, nested ones put back."""
    front = "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:"
    found: dict[str, Any] = {}
    for command, value in logged.items():
        if command.startswith(front) and value not in NOTHING_LOGGED:
            *parents, last = command.removeprefix(front).removesuffix(")%").split(":")
            below: dict[str, Any] = found
            for part in parents:
                below = below.setdefault(part, {})
            below[last] = value
    return found
