"""What the mesh lets a tenant's namespace do."""

from dataclasses import replace

import pytest
from build_fixtures import churn, fraud, iris, place, tenant
from build_rendered import everything, named, of, places, walls

from generator.build.hosts import Service, service_of
from generator.build.mesh import build
from generator.tenancy import Egress


def test_a_namespace_speaks_mutual_tls_only_and_allows_nothing_of_itself() -> None:
    made = build(iris().place, [iris()])
    labels = {"app.kubernetes.io/managed-by": "modelapi-gen", "app.kubernetes.io/part-of": "example-model"}
    annotations = {"argocd.argoproj.io/sync-wave": "-2"}
    assert made[:2] == [
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": {
                "name": "default",
                "namespace": "example-model",
                "labels": labels,
                "annotations": annotations,
            },
            "spec": {"mtls": {"mode": "STRICT"}},
        },
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {
                "name": "default-deny",
                "namespace": "example-model",
                "labels": labels,
                "annotations": annotations,
            },
            "spec": {},
        },
    ]


def test_every_namespace_in_the_mesh_has_one_of_each_wall_and_no_exception() -> None:
    inside = ["api", "example-model", "payments", "growth"]
    peers = of("PeerAuthentication")
    assert [o["metadata"]["namespace"] for o in peers] == inside
    assert all(o["spec"] == {"mtls": {"mode": "STRICT"}} for o in peers)
    closed = [o for o in of("AuthorizationPolicy") if "selector" not in o["spec"]]
    assert [o["metadata"]["namespace"] for o in closed] == inside
    assert all(o["spec"] == {} for o in closed)
    assert [o["metadata"]["namespace"] for o in of("Sidecar")] == inside[1:]


def test_a_namespace_calls_known_hosts_only() -> None:
    assert named("Sidecar", "default", build(iris().place, [iris()]))["spec"] == {
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        "egress": [{"hosts": ["./*", "istio-system/*", "tracing/otel-collector.tracing.svc.cluster.local"]}],
    }


def test_a_namespace_knows_its_sinks_and_the_models_that_it_calls() -> None:
    callers = places()[1]
    assert named("Sidecar", "default", build(callers, [churn(), fraud()]))["spec"]["egress"] == [
        {
            "hosts": [
                "./*",
                "istio-system/*",
                "audit/payload-log.audit.svc.cluster.local",
                "growth/*",
                "tracing/otel-collector.tracing.svc.cluster.local",
            ]
        }
    ]


def test_no_namespace_knows_the_whole_mesh() -> None:
    hosts = [host for o in of("Sidecar") for listener in o["spec"]["egress"] for host in listener["hosts"]]
    assert not any(host.startswith(("*", "~")) for host in hosts)
    assert all("workloadSelector" not in o["spec"] for o in of("Sidecar"))


def test_a_host_outside_is_known_to_its_tenant_alone_whatever_its_ports() -> None:
    assert [o["spec"] for o in of("ServiceEntry", build(places()[1], []))] == [
        {
            "hosts": ["db.corp.example"],
            "exportTo": ["."],
            "location": "MESH_EXTERNAL",
            "resolution": "DNS",
            "ports": [{"number": 5432, "name": "tcp-5432", "protocol": "TCP"}],
        },
        {
            "hosts": ["features.corp.example"],
            "exportTo": ["."],
            "location": "MESH_EXTERNAL",
            "resolution": "DNS",
            "ports": [
                {"number": 80, "name": "http-80", "protocol": "HTTP"},
                {"number": 443, "name": "tls-443", "protocol": "TLS"},
            ],
        },
    ]


def test_hosts_that_differ_by_dot_and_dash_have_different_names() -> None:
    hosts = ("a-b.corp", "a.b.corp", "a.b-corp", "xn--a.corp")
    given = replace(tenant(), egress=tuple(Egress(host=host, port=443, cidrs=()) for host in hosts))
    names = [o["metadata"]["name"] for o in of("ServiceEntry", build(place(given), []))]
    assert names == ["egress-a--b-corp", "egress-a-b--corp", "egress-a-b-corp", "egress-xn----a-corp"]


def test_no_entry_selects_workloads_or_leaves_its_namespace() -> None:
    for entry in of("ServiceEntry"):
        assert "workloadSelector" not in entry["spec"]
        assert entry["spec"]["exportTo"] == ["."]
        assert not any(".svc" in host or "*" in host for host in entry["spec"]["hosts"])


def test_nothing_is_rendered_that_could_weaken_what_the_mesh_does() -> None:
    kinds = {obj["kind"] for obj in everything()}
    assert kinds == {
        "AuthorizationPolicy",
        "ConfigMap",
        "Gateway",
        "LimitRange",
        "Namespace",
        "NetworkPolicy",
        "PeerAuthentication",
        "RequestAuthentication",
        "ResourceQuota",
        "RoleBinding",
        "ServiceEntry",
        "Sidecar",
        "Telemetry",
    }


def test_walls_come_before_policies_and_workloads() -> None:
    made = [o for place in places() for o in build(place, [])]
    assert {o["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for o in made} == {"-2"}


def test_nothing_without_a_selector_stands_in_the_root_namespace_but_the_log_settings() -> None:
    root = [o for o in everything() if o["metadata"].get("namespace") == "istio-system"]
    assert sorted(o["kind"] for o in root) == ["ConfigMap", "Telemetry"]
    assert not any(o["metadata"].get("namespace") == "istio-system" for o in walls())


@pytest.mark.parametrize(
    ("address", "service"),
    [
        ("collector.tracing:4317", Service(name="collector", namespace="tracing")),
        ("payload-log.audit.svc", Service(name="payload-log", namespace="audit")),
        ("otel.tracing.svc.cluster.local:4317", Service(name="otel", namespace="tracing")),
        ("otel.corp.example:4317", None),
        ("localhost:4317", None),
        ("", None),
    ],
)
def test_a_service_is_told_from_a_host_outside(address: str, service: Service | None) -> None:
    assert service_of(address) == service
