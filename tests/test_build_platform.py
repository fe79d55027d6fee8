"""The gateway's objects, the mesh's defaults, and the settings that the rules presuppose."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from build_fixtures import CORP, JWKS, churn, environment, fraud, iris, platform
from build_rendered import everything, named, of, places, settings

from generator.build.meta import Wave
from generator.build.platform import LOG_LABELS, build
from generator.emit import emit
from generator.tenancy import Object, Tracing

SELECTOR = {"matchLabels": {"istio": "ingressgateway"}}


def mesh_config() -> Any:
    return yaml.safe_load(named("ConfigMap", "modelapi-mesh", settings())["data"]["mesh"])


def test_the_gateway_serves_each_tenants_host_over_tls_and_nothing_else() -> None:
    (gateway,) = of("Gateway", build(platform(), environment(), [churn().place, fraud().place]))
    assert gateway == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {
            "name": "seldon-gateway",
            "namespace": "api",
            "labels": {"app.kubernetes.io/managed-by": "modelapi-gen", "app.kubernetes.io/part-of": "ml"},
        },
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [
                {
                    "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                    "hosts": ["growth/growth.ml.corp.example", "payments/payments.ml.corp.example"],
                    "tls": {"mode": "SIMPLE", "credentialName": "ml-api-tls", "minProtocolVersion": "TLSV1_2"},
                }
            ],
        },
    }


def test_without_a_tenant_there_is_no_gateway_but_its_pods_are_closed() -> None:
    made = build(platform(), environment(), [])
    assert of("Gateway", made) == []
    assert [o["metadata"]["name"] for o in of("AuthorizationPolicy", made)] == ["default-deny"]


def test_only_the_environments_own_tenants_are_served() -> None:
    made = build(platform(), environment("prod"), [iris("dev").place, fraud("prod").place])
    assert named("Gateway", "seldon-gateway", made)["spec"]["servers"][0]["hosts"] == [
        "payments/payments.ml.corp.example"
    ]
    assert [o["metadata"]["name"] for o in of("AuthorizationPolicy", made)] == ["default-deny", "tenant-payments"]


def test_a_tenants_host_wants_a_valid_token_of_some_issuer() -> None:
    policy = named("AuthorizationPolicy", "tenant-growth", settings())
    to = [{"operation": {"hosts": ["growth.ml.corp.example", "growth.ml.corp.example:*"]}}]
    assert policy["metadata"] == {
        "name": "tenant-growth",
        "namespace": "api",
        "labels": {"app.kubernetes.io/managed-by": "modelapi-gen", "app.kubernetes.io/part-of": "growth"},
        "annotations": {"argocd.argoproj.io/sync-wave": "-1"},
    }
    assert policy["spec"] == {
        "selector": SELECTOR,
        "action": "ALLOW",
        "rules": [
            {
                "from": [{"source": {"requestPrincipals": ["https://idp.local/auth/realms/ML/*"]}}],
                "to": to,
                "when": [{"key": "request.auth.audiences", "values": ["ml", "fraud"]}],
            },
            {
                "from": [{"source": {"requestPrincipals": ["https://partner.example//*"]}}],
                "to": to,
                "when": [{"key": "request.auth.audiences", "values": ["partner-ml"]}],
            },
        ],
    }


def test_the_gateway_checks_every_issuers_tokens_and_passes_them_on() -> None:
    headers = [{"name": "Authorization", "prefix": "Bearer "}]
    assert named("RequestAuthentication", "seldon-gateway", settings())["spec"] == {
        "selector": SELECTOR,
        "jwtRules": [
            {
                "issuer": "https://idp.local/auth/realms/ML",
                "audiences": ["ml", "fraud"],
                "jwks": JWKS,
                "fromHeaders": headers,
                "forwardOriginalToken": True,
            },
            {
                "issuer": "https://partner.example/",
                "audiences": ["partner-ml"],
                "jwksUri": "https://partner.example/keys",
                "fromHeaders": headers,
                "forwardOriginalToken": True,
            },
        ],
    }


def test_the_gateways_namespace_denies_by_default_and_speaks_mutual_tls_only() -> None:
    assert named("AuthorizationPolicy", "default-deny", settings())["spec"] == {}
    assert named("PeerAuthentication", "default", settings())["spec"] == {"mtls": {"mode": "STRICT"}}


def test_in_the_root_namespace_the_gateways_walls_are_for_its_pods_and_not_for_the_whole_mesh() -> None:
    given = platform()
    gateway = replace(given.mesh.gateway, namespace="istio-system")
    made = build(replace(given, mesh=replace(given.mesh, gateway=gateway)), environment(), places())
    walls = [*of("AuthorizationPolicy", made), *of("PeerAuthentication", made), *of("RequestAuthentication", made)]
    assert {json.dumps(wall["spec"].get("selector")) for wall in walls} == {json.dumps(SELECTOR)}


def test_policies_for_the_gateways_pods_live_in_its_namespace() -> None:
    selecting = [o for o in everything() if o.get("spec", {}).get("selector") == SELECTOR]
    assert {o["metadata"]["namespace"] for o in selecting} == {"api"}


def test_a_tenant_more_changes_no_other_tenants_policy() -> None:
    alone = build(platform(), environment(), [fraud().place])
    together = build(platform(), environment(), [churn().place, fraud().place])
    for policy in of("AuthorizationPolicy", alone):
        assert policy in together
    hosts = {
        host
        for rule in named("AuthorizationPolicy", "tenant-growth", together)["spec"]["rules"]
        for host in rule["to"][0]["operation"]["hosts"]
    }
    assert hosts == {"growth.ml.corp.example", "growth.ml.corp.example:*"}


def test_every_request_is_logged_and_some_are_traced() -> None:
    assert named("Telemetry", "mesh-default", settings())["spec"] == {
        "accessLogging": [{"providers": [{"name": "audit-log"}]}],
        "tracing": [{"providers": [{"name": "otel"}], "randomSamplingPercentage": 1.0}],
    }
    assert len(of("Telemetry")) == 1


def test_without_tracing_the_mesh_says_nothing_of_it() -> None:
    made = build(replace(platform(), tracing=None), environment(), places())
    assert "tracing" not in named("Telemetry", "mesh-default", made)["spec"]
    assert "opentelemetry" not in named("ConfigMap", "modelapi-mesh", made)["data"]["mesh"]


def test_every_provider_that_telemetry_names_is_defined_where_istiod_reads_it() -> None:
    spec = named("Telemetry", "mesh-default", settings())["spec"]
    wanted = [provider["name"] for part in ("accessLogging", "tracing") for provider in spec[part][0]["providers"]]
    assert [provider["name"] for provider in mesh_config()["extensionProviders"]] == wanted
    assert mesh_config()["extensionProviders"][1] == {
        "name": "otel",
        "opentelemetry": {"service": "otel-collector.tracing.svc.cluster.local", "port": 4317},
    }


@pytest.mark.parametrize("host", ["otel-collector.tracing", "otel-collector.tracing.svc"])
def test_istiod_is_told_the_full_name_of_the_tracing_service_however_it_was_written(host: str) -> None:
    given = replace(platform(), tracing=Tracing(provider="otel", percent=1.0, service=f"{host}:4317"))
    text = named("ConfigMap", "modelapi-mesh", build(given, environment(), places()))["data"]["mesh"]
    found = yaml.safe_load(text)["extensionProviders"][1]["opentelemetry"]
    assert found == {"service": "otel-collector.tracing.svc.cluster.local", "port": 4317}


def test_the_mesh_decodes_paths_and_merges_slashes_before_it_compares_them() -> None:
    assert mesh_config()["pathNormalization"] == {"normalization": "DECODE_AND_MERGE_SLASHES"}


def test_the_log_names_the_caller_and_the_rule_and_holds_no_token_and_no_query() -> None:
    log = mesh_config()["extensionProviders"][0]["envoyFileAccessLog"]
    labels = log["logFormat"]["labels"]
    assert log["path"] == "/dev/stdout"
    assert {key: value for key, value in labels.items() if not key.startswith("claim_")} == LOG_LABELS
    claims = "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:"
    assert [value for key, value in labels.items() if key.startswith("claim_")] == [
        f"{claims}azp)%",
        f"{claims}client_id)%",
        f"{claims}email)%",
    ]
    assert labels["policy"] == "%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%"
    assert labels["grpc_status"] == "%GRPC_STATUS%"
    text = json.dumps(labels)
    assert "AUTHORIZATION" not in text
    assert "(:PATH)" in text
    assert text.count("PATH)%") == text.count("REQ_WITHOUT_QUERY(")


def test_a_claim_whose_name_the_log_format_cannot_hold_is_left_out() -> None:
    assert "partner.example/mail" not in json.dumps(mesh_config())


def test_a_nested_claim_is_asked_for_level_by_level() -> None:
    nested = replace(platform(), issuers=(replace(CORP, user_claim="profile.mail"),))
    text = named("ConfigMap", "modelapi-mesh", build(nested, environment(), []))["data"]["mesh"]
    assert 'claim_profile.mail: "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:profile:mail)%"' in text


def test_seldons_operator_makes_routes_on_the_gateway_and_never_speaks_plaintext() -> None:
    settings_text = named("ConfigMap", "modelapi-seldon", settings())
    values = yaml.safe_load(settings_text["data"]["values.yaml"])
    assert settings_text["metadata"]["namespace"] == "seldon-system"
    assert values["istio"] == {"enabled": True, "gateway": "api/seldon-gateway", "tlsMode": "ISTIO_MUTUAL"}
    assert (values["executor"]["port"], values["controllerId"]) == (8000, "")


def test_walls_come_first_then_policies_then_the_gateway() -> None:
    waves = {
        (o["kind"], o["metadata"]["name"]): o["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave")
        for o in settings()
    }
    assert waves["AuthorizationPolicy", "default-deny"] == Wave.WALLS
    assert waves["AuthorizationPolicy", "tenant-growth"] == Wave.BEFORE
    assert waves["RequestAuthentication", "seldon-gateway"] == Wave.BEFORE
    assert waves["Gateway", "seldon-gateway"] is None


def test_every_object_says_where_it_lives_who_made_it_and_whose_it_is_in_the_canonical_order() -> None:
    for obj in everything():
        metadata = obj["metadata"]
        assert list(obj)[:3] == ["apiVersion", "kind", "metadata"]
        assert list(metadata) == [k for k in ("name", "namespace", "labels", "annotations") if k in metadata]
        assert ("namespace" in metadata) == (obj["kind"] != "Namespace")
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "modelapi-gen"
        assert metadata["labels"]["app.kubernetes.io/part-of"] in ("ml", "payments", "growth", "example-model")
        for table in (metadata["labels"], metadata.get("annotations", {})):
            assert list(table) == sorted(table)


def test_nothing_holds_null_and_what_is_empty_means_something() -> None:
    for obj in everything():
        emit(obj)  # refuses null
    found = {path for obj in everything() for path in empty(obj, obj["kind"])}
    assert found == {"AuthorizationPolicy.spec", "NetworkPolicy.spec.podSelector"}


def empty(value: Any, path: str) -> list[str]:
    """Return the paths of every empty string, list and mapping."""
    if value in ("", [], {}):
        return [path]
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in empty(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in empty(item, f"{path}[{index}]")]
    return []


def test_no_two_objects_share_kind_namespace_and_name() -> None:
    keys = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in everything()]
    assert len(keys) == len(set(keys))


def test_the_same_data_gives_the_same_objects_whatever_order_the_tenants_come_in() -> None:
    forth = build(platform(), environment(), [churn().place, fraud().place])
    back = build(platform(), environment(), [fraud().place, churn().place])

    def by_text(objects: list[Object]) -> list[str]:
        return sorted(json.dumps(obj) for obj in objects)

    assert by_text(forth) == by_text(back)


def test_envoy_takes_the_log_format(tmp_path: Path) -> None:
    envoy = Path(sys.executable).parent / "envoy"
    if not envoy.exists():
        pytest.skip("envoy is not installed: it comes with the extra `prove`")
    labels = mesh_config()["extensionProviders"][0]["envoyFileAccessLog"]["logFormat"]["labels"]
    kinds = "type.googleapis.com/envoy.extensions"
    formatter = {
        "name": "envoy.formatter.req_without_query",  # istiod adds it where a format asks for it
        "typed_config": {"@type": f"{kinds}.formatter.req_without_query.v3.ReqWithoutQuery"},
    }
    log = {
        "@type": f"{kinds}.access_loggers.file.v3.FileAccessLog",
        "path": "/dev/stdout",
        "log_format": {"json_format": labels, "formatters": [formatter]},
    }
    manager = {
        "@type": f"{kinds}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": []}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{kinds}.filters.http.router.v3.Router"}},
        ],
        "access_log": [{"name": "file", "typed_config": log}],
    }
    listener = {
        "name": "in",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 10000}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener]}}), encoding="utf-8")
    run = subprocess.run(
        [envoy, "--mode", "validate", "-c", config, "-l", "error"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "")
