"""`gen access --live` against a real API server that holds what git renders, and then something more."""

from pathlib import Path

import pytest
from api_server import missing, namespace, running
from audit_world import ACCESS, on_disk, policy
from command import gen
from golden_cases import environments, made

pytestmark = [pytest.mark.cluster, pytest.mark.skipif(bool(missing()), reason=missing())]
CONTEXT = "referee"
SYSTEM = ("api", "istio-system", "seldon-system", "argocd")  # what an installation brings


def test_a_cluster_is_asked_over_kubectl_and_a_stranger_in_it_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    root = on_disk(tmp_path, ACCESS)
    asked = ("access", "--live", CONTEXT, "--environment", "prod", "--model", "rank")
    with running(folder) as server:
        for obj in (*map(namespace, SYSTEM), *environments(made("access"))["prod"]):
            server.apply(obj)
        environ = {"KUBECONFIG": str(server.kubeconfig)}
        ran = gen(root, *asked, env=environ)
        assert (ran.code, "stranger" in ran.err) == (0, False), ran.err
        assert "    client checkout          gateway  rank.yaml:10\n" in ran.out
        rules = [{"from": [{"source": {"namespaces": ["debug"]}}]}]
        server.apply(policy("debug", "shop", action="ALLOW", rules=rules))
        metadata = {"name": "lua", "namespace": "shop"}
        spec = {"configPatches": [{"applyTo": "HTTP_FILTER", "patch": {"operation": "REMOVE"}}]}
        server.apply(
            {"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": metadata, "spec": spec}
        )
        ran = gen(root, *asked, env=environ)
    assert ran.code == 1
    assert "stranger: AuthorizationPolicy shop/debug: git does not know it\n" in ran.err
    assert "  opens: anything of shop/rank to workload debug/*, inside the mesh\n" in ran.err
    assert "stranger: EnvoyFilter shop/lua: git does not know it; " in ran.err
