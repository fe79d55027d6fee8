"""Compile the values of one condition to the matchers of Envoy's RBAC filters.

Source: istio/istio 1.30.3, pilot/pkg/security/authz/model/generator.go and matcher/*.go.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from generator.access import policy as p

Json = dict[str, Any]
TEMPLATE_TYPE = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig"
JWT_FILTER = "envoy.filters.http.jwt_authn"
PORT_MAX = 65535
HTTP_ONLY = (p.HOST, p.METHOD, p.PATH, p.REQUEST_PRINCIPAL, p.AUDIENCES, p.PRESENTER)


def is_http_only(key: str) -> bool:
    """Say whether a condition's attribute does not exist on a TCP connection."""
    return key in HTTP_ONLY or key.startswith((p.HEADER, p.CLAIM))


def claim_path(key: str) -> tuple[str, ...]:
    """Return the names in brackets of a claim condition: `…claims[a][b]` is ("a", "b").

    Raises:
        ValueError: There are no brackets.
    """
    inner = key.removeprefix(p.CLAIM)
    if re.fullmatch(r"(\[[^\[\]]*\])+", inner):
        return tuple(re.findall(r"\[([^\[\]]*)\]", inner))
    return (name_in_brackets(key, p.CLAIM),)


def name_in_brackets(key: str, prefix: str) -> str:
    """Return the name in brackets of a condition's key.

    Raises:
        ValueError: There are no brackets.
    """
    inner = key.removeprefix(prefix)
    if not (inner.startswith("[") and inner.endswith("]")):
        raise ValueError(key)
    return inner.removesuffix("]").removeprefix("[")


def whole_matcher(key: str, values: tuple[str, ...]) -> Json | None:
    """Return the one matcher for all values of an attribute, or None when each value has its own.

    Raises:
        ValueError: The key has no name in brackets where it needs one.
    """
    for prefix, made in WHOLE.items():
        if key.startswith(prefix):
            return made(key, values)
    return None


def single_matcher(key: str, value: str, namespace: str) -> Json:
    """Return the matcher of one value; `namespace` is the policy's, for service accounts without one.

    Raises:
        ValueError: The value is no port or address, or the key has no name in brackets.
    """
    if key.startswith(p.HEADER):
        return {"header": _header(name_in_brackets(key, p.HEADER), value)}
    return SINGLE[key](value, namespace)


def _text(value: str, prefix: str = "") -> Json:
    if value == "*":
        return {"safeRegex": {"regex": ".+"}}
    if value.startswith("*"):
        if prefix:
            return {"safeRegex": {"regex": f"{prefix}.*{_quoted(value.removeprefix('*'))}"}}
        return {"suffix": value.removeprefix("*")}
    if value.endswith("*"):
        return {"prefix": prefix + value.removesuffix("*")}
    return {"exact": prefix + value}


def _quoted(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)  # Go's regexp.QuoteMeta


def _header(name: str, value: str, *, ignore_case: bool = False) -> Json:
    if value == "*":
        return {"name": name, "presentMatch": True}
    return {"name": name, "stringMatch": _text(value) | ({"ignoreCase": True} if ignore_case else {})}


def _path(value: str, _: str) -> Json:
    if "{*}" in value or "{**}" in value:
        template = value.replace("{**}", "**").replace("{*}", "*")
        typed = {"@type": TEMPLATE_TYPE, "pathTemplate": template}
        return {"uriTemplate": {"name": "uri-template", "typedConfig": typed}}
    return {"urlPath": {"path": _text(value)}}


def _port(value: str, _: str) -> Json:
    if not value.isdecimal() or int(value) > PORT_MAX:
        raise ValueError(value)
    return {"destinationPort": int(value)}


def _cidr(value: str) -> Json:
    interface = ipaddress.ip_interface(value)
    return {"addressPrefix": str(interface.ip), "prefixLen": interface.network.prefixlen}


def _peer(matcher: Json) -> Json:
    return {"authenticated": {"principalName": matcher}}


def namespace_regex(value: str) -> str:
    """Return the regular expression for the SPIFFE ids of a namespace; `*` stands anywhere."""
    return f".*/ns/{'.*'.join(_quoted(part) for part in value.split('*'))}/.*"


def service_account_regex(value: str, namespace: str) -> str:
    """Return the regular expression for a service account, `namespace/name` or a name in `namespace`."""
    first, slash, second = value.partition("/")
    space, account = (first, second) if slash else (namespace, first)
    return f"spiffe://.+/ns/{_quoted(space)}/(.+/|)sa/{_quoted(account)}(/.+)?"


def _trust_domain(value: str, _: str) -> Json:
    if value == "*":
        return _peer({"prefix": "spiffe://"})
    if "*" not in value:
        return _peer({"prefix": f"spiffe://{value}/"})
    before, _, after = value.partition("*")
    return _peer({"safeRegex": {"regex": f"spiffe://{_quoted(before)}[^/]*{_quoted(after)}/.*"}})


def _claim(path: tuple[str, ...], value: Json) -> Json:
    keys = [{"key": key} for key in ("payload", *path)]
    return {"metadata": {"filter": JWT_FILTER, "path": keys, "value": value}}


def _some(values: tuple[str, ...]) -> Json:
    matchers = [{"stringMatch": _text(value)} for value in values]
    return matchers[0] if len(matchers) == 1 else {"orMatch": {"valueMatchers": matchers}}


def _claims(path: tuple[str, ...], values: tuple[str, ...]) -> Json:
    some = _some(values)
    return _claim(path, {"orMatch": {"valueMatchers": [{"listMatch": {"oneOf": some}}, some]}})


def request_principal_patterns(value: str) -> tuple[str, str]:
    """Split a request principal at its last slash into patterns for `iss` and `sub`, as istiod does."""
    issuer, slash, subject = value.rpartition("/")
    if value == "*":
        return "*", "*"
    if value.startswith("*"):
        return (issuer, "=" + subject) if slash else ("*", value)
    if value.endswith("*"):
        return ("=" + issuer, subject) if slash else (value, "*")
    return ("=" + issuer, "=" + subject) if slash else ("=" + value, "=")


def _pattern(value: str) -> Json:
    return {"exact": value[1:]} if value.startswith("=") else _text(value)


def _request_principals(_: str, values: tuple[str, ...]) -> Json:
    made = []
    for value in values:
        parts = zip(("iss", "sub"), request_principal_patterns(value), strict=True)
        made.append({"andIds": {"ids": [_claim((claim,), {"stringMatch": _pattern(each)}) for claim, each in parts]}})
    return made[0] if len(made) == 1 else {"orIds": {"ids": made}}


def _envoy_filter(key: str, values: tuple[str, ...]) -> Json:
    name, bracket, inner = key.removeprefix("experimental.").removesuffix("]").partition("[")
    if not bracket:
        raise ValueError(key)
    matchers: list[Json] = []
    for value in values:
        if value.startswith("[") and value.endswith("]"):
            matchers.append({"listMatch": {"oneOf": {"stringMatch": _text(value.strip("[]"))}}})
        else:
            matchers.append({"stringMatch": _text(value)})
    value_matcher = matchers[0] if len(matchers) == 1 else {"orMatch": {"valueMatchers": matchers}}
    return {"metadata": {"filter": name, "path": [{"key": inner}], "value": value_matcher}}


SINGLE: dict[str, Callable[[str, str], Json]] = {
    p.HOST: lambda value, _: {"header": _header(":authority", value, ignore_case=True)},
    p.METHOD: lambda value, _: {"header": _header(":method", value)},
    p.PATH: _path,
    p.PORT: _port,
    p.DESTINATION_IP: lambda value, _: {"destinationIp": _cidr(value)},
    p.SNI: lambda value, _: {"requestedServerName": _text(value)},
    p.PRINCIPAL: lambda value, _: _peer(_text(value, "spiffe://")),
    p.NAMESPACE: lambda value, _: _peer({"safeRegex": {"regex": namespace_regex(value)}}),
    p.SERVICE_ACCOUNT: lambda value, namespace: _peer(
        {"safeRegex": {"regex": service_account_regex(value, namespace)}}
    ),
    p.TRUST_DOMAIN: _trust_domain,
    p.REMOTE_IP: lambda value, _: {"remoteIp": _cidr(value)},
    p.SOURCE_IP: lambda value, _: {"directRemoteIp": _cidr(value)},
}
WHOLE: dict[str, Callable[[str, tuple[str, ...]], Json]] = {  # one matcher for all values of the attribute
    p.REQUEST_PRINCIPAL: _request_principals,
    p.AUDIENCES: lambda _, values: _claims(("aud",), values),
    p.PRESENTER: lambda _, values: _claims(("azp",), values),
    p.CLAIM: lambda key, values: _claims(claim_path(key), values),
    p.ENVOY_FILTER: _envoy_filter,
}
