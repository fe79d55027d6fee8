"""Envoy's compiled RBAC filters as formulas over one request that may be anything; for the solver z3.

What is compared is a text of any length and any characters, a port, and claims that are a text, a list or not there.
A list has as many members as matter: one for each condition of a rule on it, and one more.
Source: Envoy 1.40 RBAC (rbac.proto, principal and permission), string.proto, value.proto; Z3 4 and 5, theory of
strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import z3

from generator.access.jwt import FILTER
from generator.access.match import SEGMENT
from generator.audit.encode_text import Formula, Text, UncoveredError

Json = Mapping[str, Any]
MEMBERS = 3  # of a list
ABSENT, TEXT, LIST = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """An attribute that may have several values: its shape, how many, and each of them."""

    shape: Formula
    count: Formula
    members: tuple[Text, ...]

    def some(self, test: Any) -> Formula:
        """Say that some member of the list passes a test."""
        return z3.And(self.shape == LIST, z3.Or([z3.And(self.count > i, test(m)) for i, m in enumerate(self.members)]))

    def text(self, test: Any) -> Formula:
        """Say that it is one text, and passes a test."""
        return z3.And(self.shape == TEXT, test(self.members[0]))

    def holds(self, test: Any) -> Formula:
        """Say that the text, or some member of the list, passes a test."""
        return z3.Or(self.text(test), self.some(test))

    @property
    def sane(self) -> Formula:
        """Say that shape and count are possible."""
        return z3.And(self.shape >= ABSENT, self.shape <= LIST, self.count >= 0, self.count <= MEMBERS)


METHOD, PATH, AUTHORITY = Text("method"), Text("path"), Text("authority")
PRINCIPAL, KEY, SNI = Text("principal"), Text("key"), Text("sni")
PORT, TRANSPORT = z3.Int("port"), z3.Int("transport")
TRUE = z3.BoolVal(val=True)
HAS_TOKEN, IS_TCP = z3.Bool("has_token"), z3.Bool("is_tcp")


@cache
def claim(*path: str) -> Values:
    """Return the claim at a path of names."""
    return _values("claim", *path)


@cache
def header(name: str) -> Values:
    """Return a header that the client may send any number of times."""
    return _values("header", name)


def _values(*words: str) -> Values:
    name = "\x1f".join(words)
    members = tuple(Text(f"{name}\x1f{index}") for index in range(MEMBERS))
    return Values(shape=z3.Int(f"{name}\x1fshape"), count=z3.Int(f"{name}\x1fcount"), members=members)


def allowed(filters: list[dict[str, Any]], payload: Formula, path: Text = PATH) -> Formula:
    """Return when RBAC filters let a request through; `payload` says when there is a verified token.

    Raises:
        UncoveredError: Some condition is not covered.
    """
    verdicts = []
    for each in filters:
        config = each["typedConfig"]
        if "rules" not in config or config["rules"].get("action") == "LOG":
            continue
        rules = [rule(policy, payload, path) for policy in config["rules"].get("policies", {}).values()]
        some = z3.Or(rules) if rules else z3.BoolVal(val=False)
        verdicts.append(z3.Not(some) if config["rules"].get("action") == "DENY" else some)
    return z3.And(verdicts) if verdicts else TRUE


def rule(policy: Json, payload: Formula, path: Text = PATH) -> Formula:
    """Return when one policy of a filter matches.

    Raises:
        UncoveredError: Some condition is not covered.
    """
    _countable(policy["principals"])
    return z3.And(
        z3.Or([_permission(each, path) for each in policy["permissions"]]),
        z3.Or([_principal(each, payload) for each in policy["principals"]]),
    )


def _permission(rule_: Json, path: Text) -> Formula:
    ((kind, value),) = rule_.items()
    match kind:
        case "any":
            return TRUE
        case "andRules" | "orRules":
            parts = [_permission(each, path) for each in value["rules"]]
            return z3.And(parts) if kind == "andRules" else z3.Or(parts)
        case "notRule":
            return z3.Not(_permission(value, path))
        case _:
            return _attribute(kind, value, path)


def _attribute(kind: str, value: Any, path: Text) -> Formula:
    match kind:
        case "header":
            return _header(value)
        case "urlPath":
            return text(value["path"])(path)
        case "uriTemplate":
            template = value["typedConfig"]["pathTemplate"]
            return path.like(_template(template))
        case "destinationPort":
            return int(value) == PORT
        case "requestedServerName":
            return text(value)(SNI)
        case _:
            raise UncoveredError(_words(kind))


def _principal(id_: Json, payload: Formula) -> Formula:
    ((kind, value),) = id_.items()
    match kind:
        case "any":
            return TRUE
        case "andIds" | "orIds":
            parts = [_principal(each, payload) for each in value["ids"]]
            return z3.And(parts) if kind == "andIds" else z3.Or(parts)
        case "notId":
            return z3.Not(_principal(value, payload))
        case "authenticated":
            test = text(value["principalName"]) if "principalName" in value else (lambda _: TRUE)
            return z3.And(z3.Not(PRINCIPAL.is_("")), test(PRINCIPAL))
        case "metadata" if value["filter"] == FILTER and value["path"][0]["key"] == "payload":
            found = claim(*(each["key"] for each in value["path"][1:]))
            return z3.And(payload, _value(value["value"], found))
        case "header":
            return _header(value)
        case _:
            raise UncoveredError(_words(kind))


def _value(matcher: Json, found: Values) -> Formula:
    ((kind, value),) = matcher.items()
    match kind:
        case "orMatch":
            return z3.Or([_value(each, found) for each in value["valueMatchers"]])
        case "listMatch":
            return found.some(_member(value["oneOf"]))
        case "stringMatch":
            return found.text(text(value))
        case _:
            raise UncoveredError(f"a claim's {kind}")


def _member(matcher: Json) -> Any:
    if "orMatch" in matcher:
        tests = [_member(each) for each in matcher["orMatch"]["valueMatchers"]]
        return lambda member: z3.Or([test(member) for test in tests])
    return text(matcher["stringMatch"])


def _header(matcher: Json) -> Formula:
    name = str(matcher["name"]).lower()
    present = "presentMatch" in matcher
    if name == ":method":
        return TRUE if present else text(matcher["stringMatch"])(METHOD)
    if name == ":authority":
        # Istio has hosts compared without regard to case: the formula's authority is in lower case.
        return TRUE if present else text(matcher["stringMatch"], lower=True)(AUTHORITY)
    if name.startswith(":"):
        raise UncoveredError(f"the header {name}")
    found = header(name)
    return z3.And(found.shape == LIST, found.count > 0) if present else found.some(text(matcher["stringMatch"]))


def text(matcher: Json, *, lower: bool = False) -> Any:
    """Return the test of a string matcher, a function of a text.

    Raises:
        UncoveredError: It is of a kind that is not covered, or of another case than `lower` says.
    """
    if bool(matcher.get("ignoreCase")) is not lower and "safeRegex" not in matcher:
        raise UncoveredError("a comparison without regard to case")
    kinds = {name: value for name, value in matcher.items() if name != "ignoreCase"}
    ((kind, value),) = kinds.items()
    wanted = value["regex"] if kind == "safeRegex" else value.lower() if lower else value
    tests = {
        "exact": Text.is_,
        "prefix": Text.begins,
        "suffix": Text.ends,
        "contains": Text.holds,
        "safeRegex": Text.like,
    }
    if kind not in tests:
        raise UncoveredError(f"a text that is compared by {kind}")
    return lambda given: tests[kind](given, wanted)


def _template(template: str) -> str:
    pieces = template.replace("**", "\0").replace("*", "\1")
    quoted = "".join("\\" + char if char in r"\.+*?()|[]{}^$" else char for char in pieces)
    return quoted.replace("\0", f"[{SEGMENT}/]*").replace("\1", f"[{SEGMENT}]+")


def _countable(principals: Any) -> None:
    """Refuse a rule with more conditions on one claim than a list has members for."""
    for each in principals:
        found = [entry["path"] for entry in _metadata(each)]
        if any(found.count(path) >= MEMBERS for path in found):
            raise UncoveredError("many conditions on one claim")


def _metadata(id_: Json) -> list[Json]:
    """Return the claims that hold at once."""
    if "metadata" in id_:
        return [id_["metadata"]]
    return [found for each in id_.get("andIds", {}).get("ids", ()) for found in _metadata(each)]


def _words(kind: str) -> str:
    named = {
        "directRemoteIp": "source.ip",
        "remoteIp": "remote.ip",
        "destinationIp": "destination.ip",
        "metadata": "metadata of another filter",
    }
    return f"a condition on {named.get(kind, kind)}"
