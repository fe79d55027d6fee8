"""platform.yaml -> Platform."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from generator.resolve.defaults import PLATFORM, TOOLS
from generator.resolve.said import Said, account, pairs
from generator.tenancy import Broker, BuildSettings, Environment, Gateway, Issuer, Kafka, Mesh, Platform, Sink, Tracing

TENANT = "{tenant}"  # stands for the tenant's name in the platform's templates


def platform(data: Mapping[str, Any], jwks: Mapping[str, str]) -> Platform:
    """Return the platform.

    ``data``: platform.yaml whole, after schema and rules. ``jwks``: path of a key file -> its canonical JSON text.
    """
    said = Said(data["spec"], PLATFORM)
    repository, watching = said.below("repository"), said.below("observability")
    environments = _environments(said)
    return Platform(
        name=data["metadata"]["name"],
        repository=repository["url"],
        branch=repository["branch"],
        reviewers=repository["reviewers"],
        versions=pairs(said["versions"]),
        issuers=_issuers(said, jwks),
        mesh=_mesh(said.below("mesh")),
        prometheus=account(watching["prometheus"]) if watching.text("prometheus") else None,
        access_log=watching["accessLog"],
        tracing=_tracing(watching.below("tracing")) if watching.data.get("tracing") else None,
        sinks=tuple(_sink(name, one) for name, one in said.each("sinks").items()),
        build=_build(said, environments[0].name),
        registries=tuple(said["registries"]),
        pull_secret=said.text("pullSecret"),
        argocd=said.below("argocd")["namespace"],
        seldon=said.below("seldon")["namespace"],
        environments=environments,
        keda=said.below("seldon")["keda"],
    )


def _issuers(said: Said, jwks: Mapping[str, str]) -> tuple[Issuer, ...]:
    """Return the issuers, the default first, then by name; where none is the default, the first by name is."""
    named = sorted(said.each("issuers").items(), key=lambda pair: (not pair[1]["default"], pair[0]))
    return tuple(_issuer(name, one, jwks) for name, one in named)


def _issuer(name: str, said: Said, jwks: Mapping[str, str]) -> Issuer:
    claims = said.below("claims")
    key_file = said.text("jwksFile")
    return Issuer(
        name=name,
        url=said["issuer"],
        audiences=tuple(said["audiences"]),
        jwks=jwks[key_file] if key_file else "",
        jwks_uri=said.text("jwksUri"),
        user_claim=claims["user"],
        groups_claim=claims["groups"],
        client_claim=claims["client"],
        user_domains=tuple(sorted(said["userDomains"])),
    )


def _mesh(said: Said) -> Mesh:
    gateway = said.below("gateway")
    place = account(gateway["name"])  # written like an account: namespace/name
    return Mesh(
        trust_domain=said["trustDomain"],
        root_namespace=said["rootNamespace"],
        cni=said["cni"],
        gateway=Gateway(
            namespace=place.namespace,
            name=place.name,
            account=account(gateway["serviceAccount"]),
            selector=pairs(gateway["selector"]),
            certificate=gateway["certificate"],
        ),
    )


def _tracing(said: Said) -> Tracing:
    return Tracing(
        provider=said["provider"],
        percent=float(said["percent"]),
        service=said.text("service"),
        jaeger=said.text("jaeger"),
    )


def _sink(name: str, said: Said) -> Sink:
    """Return a sink; its host is ``<service>.<namespace>.svc`` and its port is written, so the schema demands."""
    if said.data.get("kafka"):
        return Sink(name=name, url="", host="", namespace="", port=0, kafka=_kafka(said.below("kafka")))
    url = said["url"]
    parts = urlsplit(url)
    host = parts.hostname or ""
    return Sink(
        name=name, url=url, host=host, namespace=host.split(".")[1], port=parts.port or 0, forwards=said["forwards"]
    )


def _kafka(said: Said) -> Kafka:
    found = [text.rpartition(":") for text in sorted(said["brokers"])]
    return Kafka(
        brokers=tuple(Broker(host=host, port=int(port)) for host, _, port in found),
        topic=said["topic"],
        secret=said.below("tls").text("secret"),
    )


def _build(said: Said, first: str) -> BuildSettings:
    """Return the build settings; ``first`` is the environment that builds where none is named."""
    build = said.below("build")
    mirror = said["registries"][0]
    return BuildSettings(
        environment=build.text("environment") or first,
        engine=build["engine"],
        namespace=build["namespace"],
        registry=build.text("registry") or f"{mirror}/{TENANT}",
        push_secret=build["pushSecret"],
        seccomp=build["seccomp"],
        images=pairs({**_tools(mirror), **(build.data.get("images") or {})}),
    )


def _tools(registry: str) -> dict[str, str]:
    """Return the builders' images as a mirror of upstream's names holds them; the platform pins them by digest."""
    return {tool: f"{registry}/{image}" for tool, image in TOOLS.items()}


def _environments(said: Said) -> tuple[Environment, ...]:
    """Return the environments in promotion order: each right after the one that promotes into it, else by name."""
    named = said.each("environments")
    order: list[str] = []
    waiting = [name for name in reversed(named) if not named[name].text("after")]
    while waiting:
        order.append(waiting.pop())
        waiting += [name for name in reversed(named) if named[name].text("after") == order[-1]]
    return tuple(_environment(name, named[name]) for name in order)


def _environment(name: str, said: Said) -> Environment:
    require = said.below("require")
    return Environment(
        name=name,
        after=said.text("after"),
        cluster=said["cluster"],
        namespace=said["namespace"],
        host=said["host"],
        pins=require["pins"],
        replicas=require["replicas"],
        pod_security=require.text("podSecurity") or ("restricted" if require["pins"] else "baseline"),
        forbid=tuple(sorted(said["forbid"])),
    )
