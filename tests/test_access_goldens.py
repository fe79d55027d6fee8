"""The filters that istiod's own tests expect of policies, against those that gen compiles; and Envoy's word on them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.access.envoy import http_listener, tcp_listener
from generator.access.harness import validate
from generator.access.mesh import Guard, Mesh, Workload, guard, is_selected
from generator.access.policy import Action, AuthorizationPolicy, authorization_policy
from generator.access.rbac import http_filters, tcp_filters

REFEREE = Path(__file__).parents[2] / "shared/referee/istio-authz"
# The node under test and the trust domains of the cases that have some: istio/istio 1.30.3
# pilot/pkg/security/authz/builder/builder_test.go.
NODE = Workload(namespace="foo", name="node", labels={"app": "httpbin", "version": "v1"})
TRUST_DOMAINS = {
    "simple-policy-td-aliases": ("td1", "cluster.local"),
    "simple-policy-multiple-td-aliases": ("td1", "cluster.local", "some-td"),
    "simple-policy-principal-with-wildcard": ("td1", "foobar"),
    "td-aliases-source-principal": ("new-td", "old-td", "some-trustdomain"),
}
NOT_IN_THE_TABLE = ("allow-host-before-111",)  # left over in the folder: no test upstream reads it
COMPILERS = {"http": http_filters, "tcp": tcp_filters}
FILES = [path for kind in COMPILERS for path in sorted((REFEREE / kind).glob("*-in.yaml"))]

pytestmark = pytest.mark.skipif(not FILES, reason="the referee folder is not here")


def case_of(path: Path) -> str:
    return path.name.removesuffix("-in.yaml")


def policies_of(path: Path) -> list[AuthorizationPolicy]:
    found: list[Any] = []
    policies = [authorization_policy(obj, found) for obj in yaml.safe_load_all(path.read_text()) if obj]
    assert found == []
    return [each for each in policies if each.ref.namespace == NODE.namespace and is_selected(each.selector, NODE)]


def goldens_of(path: Path, prefix: str = "") -> list[dict[str, Any]]:
    return [yaml.safe_load(each.read_text()) for each in sorted(path.parent.glob(f"{prefix}{case_of(path)}-out*.yaml"))]


CASES = [
    path
    for path in FILES
    if case_of(path) not in NOT_IN_THE_TABLE and all(policy.action is not Action.CUSTOM for policy in policies_of(path))
]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{case_of(path)}")
def test_the_filters_of_a_case_equal_those_that_istiod_makes(path: Path) -> None:
    trust_domains = TRUST_DOMAINS.get(case_of(path), ())
    made = COMPILERS[path.parent.name](policies_of(path), trust_domains=trust_domains)
    expected = [golden for prefix in ("", "extended-") if (golden := goldens_of(path, prefix))]
    assert expected
    assert [made] * len(expected) == expected


def test_all_goldens_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    equal = total = 0
    for path in CASES:
        made = COMPILERS[path.parent.name](policies_of(path), trust_domains=TRUST_DOMAINS.get(case_of(path), ()))
        for prefix in ("", "extended-"):
            golden = goldens_of(path, prefix)
            total += len(golden)
            equal += sum(one == other for one, other in zip(made, golden, strict=True)) if golden else 0
    with capsys.disabled():
        print(f"\ngoldens equal: {equal}/{total}")  # noqa: T201  how much was compared is part of the result
    assert (equal, total) == (43, 43)


def open_guard() -> Guard:
    return guard(Mesh(), NODE)


def with_filters(path: Path) -> dict[str, Any]:
    """Return a listener that has a golden's filters in front of its last one."""
    name = f"{path.parent.name}-{case_of(path)}"
    if path.parent.name == "tcp":
        listener = tcp_listener(name, open_guard(), None)
        chain = listener["filter_chains"][0]
        chain["filters"] = [*goldens_of(path), *chain["filters"]]
    else:
        listener = http_listener(name, open_guard(), None)
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager["http_filters"] = [*goldens_of(path), *manager["http_filters"]]
    return listener


def test_envoy_takes_the_filters_of_every_golden() -> None:
    listeners = {case_of(path) + path.parent.name: with_filters(path) for path in CASES}
    assert json.dumps(listeners).count("RBAC") > len(CASES)
    validate(listeners)
