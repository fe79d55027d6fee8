"""Who may open a connection to whom."""

from dataclasses import replace

import pytest
from build_fixtures import churn, fraud, iris, place, tenant
from build_rendered import named, of, places, ungranted, walls

from generator.build import seldon
from generator.build.network import build, build_network
from generator.model import Model
from generator.seldon.operator import expand
from generator.tenancy import Egress, Object, Tracing

GATEWAY = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "api"}},
    "podSelector": {"matchLabels": {"istio": "ingressgateway"}},
}


def policy(name: str, model: Model) -> Object:
    found: Object = named("NetworkPolicy", name, build(model.place, [model]))["spec"]
    return found


def tcp(*ports: int) -> list[Object]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def everything_in(namespace: str) -> Object:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def own(name: str) -> Object:
    return {"podSelector": {"matchLabels": {"seldon-deployment-id": name}}}


def test_every_namespace_is_closed_both_ways() -> None:
    denied = [o for o in of("NetworkPolicy", walls()) if o["metadata"]["name"] == "default-deny"]
    assert [o["metadata"]["namespace"] for o in denied] == [
        "example-model",
        "payments",
        "growth",
        "example-model-build",
    ]
    assert all(o["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} for o in denied)


def test_every_pod_may_ask_names_of_the_clusters_resolver_or_its_nodes_and_of_no_other() -> None:
    node = {"ipBlock": {"cidr": "169.254.20.10/32"}}
    dns = {**everything_in("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    ports = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    assert policy("dns", iris()) == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [dns, node], "ports": ports}],
    }


def test_every_pod_may_ask_istiod_for_its_configuration() -> None:
    istiod = {**everything_in("istio-system"), "podSelector": {"matchLabels": {"app": "istiod"}}}
    assert policy("istiod", iris()) == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [istiod], "ports": tcp(15012)}],
    }


def test_every_sidecar_may_send_spans_to_a_tracing_service_of_the_cluster() -> None:
    assert policy("tracing", iris())["egress"] == [{"to": [everything_in("tracing")]}]


@pytest.mark.parametrize("tracing", [None, Tracing(provider="otel", percent=1.0, service="")])
def test_without_a_tracing_service_nothing_is_opened_for_one(tracing: Tracing | None) -> None:
    given = iris().place
    names = [
        o["metadata"]["name"] for o in build(replace(given, platform=replace(given.platform, tracing=tracing)), [])
    ]
    assert names == ["default-deny", "dns", "istiod"]


def test_a_bento_is_reached_by_the_gateway_on_its_own_port_and_by_prometheus() -> None:
    assert policy("model-iris", iris()) == {
        "podSelector": {"matchLabels": {"seldon-deployment-id": "iris"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [GATEWAY], "ports": tcp(3000)},
            {"from": [everything_in("monitoring")], "ports": tcp(3000, 15020)},
        ],
    }


def test_callers_in_the_mesh_and_the_explainer_reach_what_they_are_granted() -> None:
    assert policy("model-fraud", fraud()) == {
        "podSelector": {"matchLabels": {"seldon-deployment-id": "fraud"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [GATEWAY], "ports": tcp(5001, 8000, 9000)},
            {"from": [everything_in("orders")], "ports": tcp(5001, 8000)},
            {"from": [own("fraud")], "ports": tcp(8000)},
            {"from": [everything_in("monitoring")], "ports": tcp(3000, 8000, 15020)},
        ],
        "egress": [{"to": [own("fraud")], "ports": tcp(8000)}],
    }


def test_the_pods_of_a_graph_reach_each_other_and_the_sink_of_the_log() -> None:
    assert policy("model-churn", churn()) == {
        "podSelector": {"matchLabels": {"seldon-deployment-id": "churn"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [GATEWAY], "ports": tcp(5001, 8000)},
            {"from": [own("churn")], "ports": tcp(9000, 9500)},
            {"from": [everything_in("monitoring")], "ports": tcp(6000, 8000, 15020)},
        ],
        "egress": [
            {"to": [own("churn")], "ports": tcp(9000, 9500)},
            {"to": [everything_in("audit")]},
        ],
    }


def test_a_detector_talks_with_the_sink_of_the_log_and_is_scraped() -> None:
    assert policy("detector-churn-drift", churn()) == {
        "podSelector": {
            "matchLabels": {"app.kubernetes.io/component": "detector-drift", "app.kubernetes.io/name": "churn"}
        },
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [everything_in("audit")], "ports": tcp(9000)},
            {"from": [everything_in("monitoring")], "ports": tcp(15020)},
        ],
        "egress": [{"to": [everything_in("audit")]}],
    }


def test_nothing_is_opened_for_a_model_that_nobody_may_call_or_scrape() -> None:
    dark = ungranted()
    assert "model-dark" not in [o["metadata"]["name"] for o in build(dark.place, [dark])]


def test_outside_hosts_are_opened_by_port_and_by_address_where_the_tenant_names_any() -> None:
    anywhere = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}
    assert named("NetworkPolicy", "egress", build(places()[1], []))["spec"] == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}, {"ipBlock": {"cidr": "10.2.0.0/16"}}],
                "ports": tcp(5432),
            },
            {"to": [anywhere], "ports": tcp(80)},
            {"to": [anywhere], "ports": tcp(443)},
        ],
    }


def test_two_hosts_on_one_port_are_one_rule() -> None:
    hosts = tuple(Egress(host=f"{name}.corp.example", port=443, cidrs=()) for name in ("a", "b"))
    made = build(place(replace(tenant(), egress=hosts)), [])
    assert len(named("NetworkPolicy", "egress", made)["spec"]["egress"]) == 1


def test_a_tenant_may_reach_the_models_that_it_calls() -> None:
    assert named("NetworkPolicy", "calls", build(places()[1], []))["spec"] == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{**everything_in("growth"), **own("churn")}]}],
    }


def test_a_build_reaches_names_and_the_ports_of_its_registries_and_nobody_reaches_it() -> None:
    given = iris("dev").place
    more = replace(given, tenant=replace(given.tenant, registries=("registry.local:5000/example-model",)))
    made = build_network(more)
    assert [o["metadata"]["name"] for o in made] == ["default-deny", "dns", "registries"]
    assert {o["metadata"]["namespace"] for o in made} == {"example-model-build"}
    assert made[2]["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}], "ports": tcp(443, 5000)}
    ]
    assert not any("ingress" in o["spec"] for o in made)


def test_a_policy_names_the_directions_that_it_has_rules_for() -> None:
    for obj in of("NetworkPolicy", walls()):
        spec = obj["spec"]
        said = [kind for kind, key in (("Ingress", "ingress"), ("Egress", "egress")) if key in spec]
        assert spec["policyTypes"] == (said or ["Ingress", "Egress"])
        assert all(rules for key in ("ingress", "egress") for rules in spec.get(key, [{"": ""}]))


def test_no_rule_admits_everybody() -> None:
    for obj in of("NetworkPolicy", walls()):
        for rule in obj["spec"].get("ingress", []):
            assert rule["from"]
            assert rule["ports"]
            assert all(peer.get("namespaceSelector") or peer.get("podSelector") for peer in rule["from"])
        for rule in obj["spec"].get("egress", []):
            assert rule["to"]


def test_every_port_that_is_opened_on_a_model_is_one_that_its_pods_listen_on() -> None:
    for model in (iris(), fraud(), churn()):
        deployments = of("Deployment", expand(seldon.build(model)[0]))
        containers = [c for o in deployments for c in o["spec"]["template"]["spec"]["containers"]]
        listening = {port["containerPort"] for container in containers for port in container.get("ports", ())}
        opened = {p["port"] for r in policy(f"model-{model.name}", model)["ingress"] for p in r["ports"]}
        assert opened <= listening | {15020}


def test_walls_stand_before_anything_is_opened() -> None:
    waves = {o["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for o in of("NetworkPolicy", walls())}
    assert waves == {"-2"}
