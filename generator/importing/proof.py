"""Render an imported spec on a platform that stands for the real one, as gen renders any other."""

from collections.abc import Mapping, Sequence
from typing import Any

from generator import resolve
from generator.build import seldon
from generator.check import check
from generator.diag import Diagnostic, errors
from generator.importing.beside import SINK, sink_name
from generator.importing.ledger import UnsayableError
from generator.importing.writing import text
from generator.load import Document, load
from generator.model import Model
from generator.seldon.objects import Object

Spec = dict[str, Any]

ENVIRONMENT = "dev"


def platform_spec(namespace: str, sinks: Sequence[str] = ()) -> Spec:
    """Return a platform with one environment whose namespace is the original's, and the sinks that it logs to."""
    named = {sink_name(url): {"url": url} for url in sinks if SINK.fullmatch(url)}
    environment = {"cluster": "https://dev.example:6443", "namespace": namespace, "host": "{tenant}.dev.example"}
    return {
        "apiVersion": "modelapi/v1",
        "kind": "Platform",
        "metadata": {"name": "imported"},
        "spec": {
            "repository": {"url": "https://git.example/apis.git", "reviewers": "@example/platform"},
            "versions": {"kubernetes": "1.34", "istio": "1.30.5", "seldon": "1.17.1", "argocd": "3.5.1"},
            "issuers": {
                "imported": {
                    "issuer": "https://idp.example",
                    "jwksUri": "https://idp.example/keys",
                    "audiences": ["imported"],
                }
            },
            "mesh": {
                "gateway": {
                    "name": "istio-ingress/gateway",
                    "serviceAccount": "istio-ingress/gateway",
                    "selector": {"istio": "ingressgateway"},
                    "certificate": "gateway-tls",
                }
            },
            "observability": {"prometheus": "monitoring/prometheus"},
            **({"sinks": named} if named else {}),
            "build": {"engine": "external", "registry": "registry.example/{tenant}"},
            "registries": ["registry.example"],
            "seldon": {"keda": True},
            "environments": {ENVIRONMENT: environment},
        },
    }


def tenant_spec(name: str) -> Spec:
    """Return a tenant in that environment."""
    return {
        "apiVersion": "modelapi/v1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {"contact": "imported@example.com", "environments": [ENVIRONMENT], "podSecurity": "baseline"},
    }


def resolved(data: Spec, platform: Spec, tenant: Spec, keys: Mapping[str, str] | None = None) -> Model:
    """Return what a model's spec means in the tenant's first environment."""
    whole = resolve.platform(platform, keys or {})
    owner = resolve.tenant(tenant, whole)
    return resolve.model(data, resolve.place(whole, owner, owner.environments[0]))


def made(model: Model) -> Object:
    """Return the SeldonDeployment that gen renders."""
    (found,) = seldon.build(model)
    return found


def document(data: Spec, file: str) -> Document:
    """Return a spec as gen reads it back from its text.

    Raises:
        UnsayableError: It would be no spec: some text in it has no form there.
    """
    try:
        found = load(text(data).encode(), file)
    except ValueError as problem:  # emit: a character that YAML cannot hold
        raise UnsayableError((), f"a spec cannot hold it: {problem}", "take it out of the original") from None
    problems: tuple[Diagnostic, ...] = errors(check(found)) if isinstance(found, Document) else found
    if problems or not isinstance(found, Document):
        raise UnsayableError((), f"a spec cannot hold it: {problems[0].what}", problems[0].todo)
    return found
