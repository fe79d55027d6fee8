"""Variables that refer to others before them, as the kubelet reads them.

Source: Kubernetes, "Define Dependent Environment Variables"; k8s.io/kubernetes third_party/forked/golang/expansion.
"""

import re
from typing import Any

from generator.seldon.objects import Object

REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z0-9_.-]+)\)")


def expanded(env: list[Object]) -> dict[str, Any]:
    """Return the variables as the process sees them; a later one of the same name counts.

    A value from elsewhere (a Secret, a field) stands as its reference.
    """
    seen: dict[str, Any] = {}
    for variable in env:
        value = variable.get("valueFrom", variable.get("value") or "")
        seen[variable["name"]] = _with(value, seen) if isinstance(value, str) else value
    return seen


def seen_before(entry: Object, env: list[Object]) -> tuple[dict[str, Any], list[str]]:
    """Return the variables that stand before an entry as it sees them, and the names of all in the list."""
    index = next((number for number, one in enumerate(env) if one is entry), 0)
    return expanded(env[:index]), [one["name"] for one in env]


def _with(text: str, seen: dict[str, Any]) -> str:
    def instead(found: re.Match[str]) -> str:
        known = seen.get(found[1]) if found[1] else None
        return "$" if found[0] == "$$" else known if isinstance(known, str) else found[0]

    return REFERENCE.sub(instead, text)
