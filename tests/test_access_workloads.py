"""Workloads as Deployments and Services describe them, those of the Seldon operator among them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.access import Port, UnsupportedError, Workload, workloads_of
from generator.access.workloads import protocol_of

REFEREE = Path(__file__).parents[2] / "shared/referee/seldon-operator"


def deployment(**template: Any) -> dict[str, Any]:
    labels = {"app": "x"} | template.pop("labels", {})
    meta = {"labels": labels, "annotations": template.pop("annotations", {})}
    spec = {
        "serviceAccountName": "sa",
        "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 9000}]}],
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "a"},
        "spec": {"template": {"metadata": meta, "spec": spec | template}},
    }


def service(*ports: dict[str, Any], name: str = "x", selector: dict[str, str] | None = None) -> dict[str, Any]:
    spec = {"selector": {"app": "x"} if selector is None else selector, "ports": list(ports)}
    return {"kind": "Service", "metadata": {"name": name, "namespace": "a"}, "spec": spec}


def test_a_workload_is_a_deployment_with_the_services_that_select_it() -> None:
    objects = [
        deployment(),
        service({"name": "http", "port": 80, "targetPort": "http"}, {"name": "grpc-api", "port": 5001}),
        service({"name": "tcp", "port": 1}, name="y", selector={"app": "y"}),
        service({"name": "http", "port": 2}, name="z", selector={}),
    ]
    assert workloads_of(objects) == (
        Workload(
            namespace="a",
            name="x",
            labels={"app": "x"},
            service_account="sa",
            ports=(Port(number=80, protocol="http", target=9000), Port(number=5001, protocol="grpc", target=5001)),
            services=("x.a.svc.cluster.local",),
        ),
    )


@pytest.mark.parametrize(
    ("port", "protocol"),
    [
        ({"name": "http"}, "http"),
        ({"name": "http-metrics"}, "http"),
        ({"name": "http2"}, "http"),
        ({"name": "grpc"}, "grpc"),
        ({"name": "grpc-web-x"}, "http"),
        ({"name": "tcp-x"}, "tcp"),
        ({"name": "https"}, "tcp"),
        ({"name": "web"}, "auto"),
        ({}, "auto"),
        ({"name": "tcp", "appProtocol": "http"}, "http"),
        ({"name": "x", "appProtocol": "kubernetes.io/h2c"}, "http"),
    ],
)
def test_the_protocol_of_a_port_is_in_its_name_or_said(port: dict[str, Any], protocol: str) -> None:
    assert protocol_of(port) == protocol


NAMESPACES = {
    "no namespace among the objects": ([], {}, True),
    "a namespace that injects": ([{"istio-injection": "enabled"}], {}, True),
    "a namespace with a revision": ([{"istio.io/rev": "r"}], {}, True),
    "a namespace that does not say": ([{}], {}, False),
    "a pod that does not want": ([{"istio-injection": "enabled"}], {"sidecar.istio.io/inject": "false"}, False),
    "a pod that does": ([{}], {"sidecar.istio.io/inject": "true"}, True),
}


@pytest.mark.parametrize(("namespaces", "labels", "has"), NAMESPACES.values(), ids=NAMESPACES)
def test_which_pods_have_a_sidecar(namespaces: list[dict[str, str]], labels: dict[str, str], *, has: bool) -> None:
    spaces = [{"kind": "Namespace", "metadata": {"name": "a", "labels": each}} for each in namespaces]
    assert workloads_of([*spaces, deployment(labels=labels)])[0].sidecar is has


def test_a_pod_may_not_take_ports_away_from_its_sidecar() -> None:
    with pytest.raises(UnsupportedError) as caught:
        workloads_of([deployment(annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "8000"})])
    assert str(caught.value) == (
        "Deployment a/x: spec.template.metadata.annotations[traffic.sidecar.istio.io/excludeInboundPorts] "
        "takes ports away from the sidecar and its policies\n  take it out"
    )


def test_services_have_to_agree_over_a_port() -> None:
    objects = [deployment(), service({"name": "http", "port": 80}), service({"name": "tcp", "port": 80}, name="y")]
    with pytest.raises(UnsupportedError) as caught:
        workloads_of(objects)
    assert str(caught.value) == (
        'Service a/y: spec.ports[0] calls port 80 of the pods "tcp", another Service "http"\n  name the protocol once'
    )


@pytest.mark.skipif(not REFEREE.exists(), reason="the referee folder is not here")
def test_what_the_seldon_operator_makes_reads_as_workloads() -> None:
    objects = list(yaml.safe_load_all((REFEREE / "canary/output.yaml").read_text()))
    made = workloads_of(objects)
    assert [each.name for each in made] == sorted(
        each["metadata"]["name"] for each in objects if each["kind"] == "Deployment"
    )
    for workload in made:
        assert workload.labels["app.kubernetes.io/managed-by"] == "seldon-core"
        assert {port.container: port.protocol for port in workload.ports}.items() >= {
            8000: "http",
            5001: "grpc",
        }.items()
