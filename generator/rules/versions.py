"""Rules about the versions of what runs in the clusters. The tables are data: bulletins come monthly.

As of 2026-11-23. Sources: Istio security bulletins (istio.io/latest/news/security) for CVE-2026-31837,
CVE-2026-39350, ISTIO-SECURITY-2026-007 and istio/istio pull request 59992; istio.io "Supported releases";
SeldonIO/seldon-core LICENSE at v1.18.0; Argo CD "Release process".
"""

from datetime import date

from generator.diag import Severity
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs

Version = tuple[int, ...]

ISTIO_OLDEST = (1, 27)
# Below these a token or a principal can be forged: keys that anybody knows, unescaped dots in names of accounts.
ISTIO_FLOORS: dict[Version, int] = {(1, 27): 9, (1, 28): 7, (1, 29): 3}
# Below these holes are known that gen's policies do not open, since they only ever allow, and by exact paths.
ISTIO_ADVISED: dict[Version, int] = {(1, 29): 9, (1, 30): 4, (1, 31): 1}
ISTIO_ENDED: dict[Version, date] = {(1, 29): date(2026, 10, 15)}
SELDON_LINES = ((1, 17), (1, 18), (1, 19))
SELDON_LICENSED = (1, 18)  # the first under the Business Source License 1.1
ARGOCD_OLDEST = (3, 0)


def istio_unsafe(specs: Specs) -> Problems:
    """Find a version of Istio whose policies can be got round."""
    version, text = _version(specs, "istio")
    line = version[:2]
    if specs.platform is None:
        return
    mark = specs.platform.mark("versions", "istio")
    if not _is_unsafe(version):
        return
    if line < ISTIO_OLDEST:
        yield mark, f"Istio {text} has known ways round its policies", _upgrade()
    else:
        safe = f"{_text(line)}.{ISTIO_FLOORS[line]}"
        yield mark, f"Istio {text} has known ways round its policies, closed in {safe}", _upgrade()


def _is_unsafe(version: Version) -> bool:
    return version[:2] < ISTIO_OLDEST or _patch(version) < ISTIO_FLOORS.get(version[:2], 0)


def istio_old(specs: Specs, today: date) -> Problems:
    """Find a version of Istio that is behind, or that gets no more fixes."""
    version, text = _version(specs, "istio")
    line = version[:2]
    if specs.platform is None:
        return
    mark = specs.platform.mark("versions", "istio")
    if _is_unsafe(version):
        return
    ended = max((day for old, day in ISTIO_ENDED.items() if line <= old), default=None)
    if _patch(version) < ISTIO_ADVISED.get(line, 0):
        safe = f"{_text(line)}.{ISTIO_ADVISED[line]}"
        yield mark, f"Istio {text} lacks fixes of {safe}", f"upgrade to {safe} or later"
    if ended and ended < today:
        yield mark, f"Istio {_text(line)} has had no fixes since {ended}", "upgrade to a line that still gets them"


def seldon_unsupported(specs: Specs) -> Problems:
    """Find a version of Seldon Core that gen does not know."""
    version, text = _version(specs, "seldon")
    if specs.platform and version[:2] not in SELDON_LINES:
        known = ", ".join(map(_text, SELDON_LINES))
        yield specs.platform.mark("versions", "seldon"), f"gen does not know Seldon Core {text}", f"use one of: {known}"


def seldon_licence(specs: Specs) -> Problems:
    """Find a version of Seldon Core that costs money in production."""
    version, text = _version(specs, "seldon")
    if specs.platform and version[:2] in SELDON_LINES and version[:2] >= SELDON_LICENSED:
        what = f"Seldon Core {text} is under the Business Source License: production needs a licence from Seldon"
        todo = "see that there is one, or use 1.17.1, the last under Apache-2.0"
        yield specs.platform.mark("versions", "seldon"), what, todo


def argocd_old(specs: Specs) -> Problems:
    """Find a version of Argo CD that does not do what the rendered Applications ask."""
    version, text = _version(specs, "argocd")
    if specs.platform and version[:2] < ARGOCD_OLDEST:
        what = f"Argo CD {text} is older than gen's Applications"
        yield specs.platform.mark("versions", "argocd"), what, f"upgrade to {_text(ARGOCD_OLDEST)} or later"


def _version(specs: Specs, of: str) -> tuple[Version, str]:
    text = str(specs.platform.spec["versions"][of]) if specs.platform else "0.0"
    return tuple(map(int, text.split("."))), text


def _patch(version: Version) -> int:
    return version[2] if len(version) > 2 else 0  # noqa: PLR2004  # major, minor, patch


def _text(version: Version) -> str:
    return ".".join(map(str, version))


def _upgrade() -> str:
    known = [f"{_text(line)}.{patch}" for line, patch in sorted(ISTIO_ADVISED.items())]
    return f"upgrade to {known[-1]} or later"


RULES = (
    Rule(
        id="istio-unsafe",
        title="Istio is at least 1.27.9, 1.28.7 or 1.29.3",
        why="In older versions tokens can be forged when keys cannot be fetched (CVE-2026-31837), and dots in names "
        "of accounts match any letter (CVE-2026-39350). No policy helps against that.",
        todo="Upgrade Istio.",
        example="istio: 1.28.6",
        find=istio_unsafe,
    ),
    Rule(
        id="istio-outdated",
        title="Istio has the fixes of 1.29.9, 1.30.4 or 1.31.1 and still gets more",
        why="What is fixed there does not open gen's policies, as far as is known; other policies in the mesh may be.",
        todo="Upgrade Istio when you can.",
        example="istio: 1.30.3",
        find_at=istio_old,
        severity=Severity.NOTICE,
    ),
    Rule(
        id="seldon-version",
        title="Seldon Core is 1.17, 1.18 or 1.19",
        why="What gen renders was seen to work with these; Seldon Core 2 has other objects altogether.",
        todo="Write the version that the operator has.",
        example="seldon: 2.10.2",
        find=seldon_unsupported,
    ),
    Rule(
        id="seldon-licence",
        title="Seldon Core from 1.18 on needs a licence in production",
        why="1.17.1 is the last version under Apache-2.0; later ones are under the Business Source License 1.1.",
        todo="See that there is a licence, or stay with 1.17.1.",
        example="seldon: 1.18.2",
        find=seldon_licence,
        severity=Severity.NOTICE,
    ),
    Rule(
        id="argocd-version",
        title="Argo CD is at least 3.0",
        why="The rendered Applications and health checks are written for it, and 2.x gets no more fixes.",
        todo="Upgrade Argo CD.",
        example="argocd: 2.14.3",
        find=argocd_old,
    ),
)
