"""What a container is: Run, with the names of the images that gen builds."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from generator.model import Protocol, Run, Source
from generator.resolve import defaults
from generator.resolve.platforms import TENANT
from generator.resolve.said import Spec
from generator.tenancy import Place

RECIPE = 1  # version of the build recipe; a change of what an image holds for the same Bento must raise it
TAG_DIGITS = 12  # hex digits of the content's SHA-256 in a tag: 48 bits, of which a model uses a handful

_STOCK = Run(
    kind="server",
    image="",
    bento="",
    version="",
    source=None,
    tag_image="",
    server="",
    model_uri="",
    port=defaults.NODE_PORT,
    user=defaults.SELDON_USER,
    live="",
    ready="",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a run depends on beside itself: where it is, the model's name, what clients speak, what is pinned."""

    place: Place
    name: str
    protocol: Protocol
    pins: Mapping[str, str]


def run(said: Spec, setting: Setting, repository: str, pin: str) -> Run:
    """Return what a node's container is.

    ``repository``: last part of the image's name, the model or model-node. ``pin``: key under ``pins``.
    """
    if "bento" in said:
        return _bento(said, setting, repository, pin)
    if "image" in said:
        bento = setting.protocol is Protocol.BENTO
        return image_run(
            said,
            default_port=defaults.BENTO_PORT if bento else defaults.NODE_PORT,
            default_probes=defaults.BENTO_PROBES if bento else defaults.TCP_PROBES,
            pin=setting.pins.get(pin) or "",
        )
    live, ready = defaults.V2_PROBES if setting.protocol is Protocol.V2 else defaults.TCP_PROBES
    # MLServer, Triton and TensorFlow Serving are told the port by the operator; the others speak REST alone.
    grpc = defaults.NODE_GRPC_PORT if setting.protocol in (Protocol.V2, Protocol.TENSORFLOW) else 0
    model_uri = said.get("modelUri") or ""
    return replace(_STOCK, server=said["server"], model_uri=model_uri, live=live, ready=ready, grpc_port=grpc)


def image_run(
    said: Spec, *, default_port: int, default_probes: tuple[str, str] = defaults.TCP_PROBES, pin: str = ""
) -> Run:
    """Return a container from an image that exists.

    ``default_probes``: paths of liveness and readiness, "" for TCP. ``pin``: the image that is served instead, or "".
    """
    probes = said.get("probes") or {}
    return replace(
        _STOCK,
        kind="image",
        image=pin or said["image"],
        port=said.get("port") or default_port,
        user=said.get("user") or defaults.SELDON_USER,
        live=probes.get("live") or default_probes[0],
        ready=probes.get("ready") or default_probes[1],
        grpc_port=said.get("grpcPort") or 0,
    )


def needs_pin(run: Run | None) -> bool:
    """Say whether a run has an image of its own that is not named by its digest."""
    return run is not None and run.kind != "server" and "@sha256:" not in run.image


def _bento(said: Spec, setting: Setting, repository: str, pin: str) -> Run:
    name, _, version = said["bento"].partition(":")
    source = _source(said["source"])
    registry = setting.place.platform.build.registry.replace(TENANT, setting.place.tenant.name)
    tag_image = f"{registry}/{repository}:{version}-{_content(source)}"
    live, ready = defaults.BENTO_PROBES
    return replace(
        _STOCK,
        kind="bento",
        image=setting.pins.get(pin) or tag_image,
        bento=name,
        version=version,
        source=source,
        tag_image=tag_image,
        port=defaults.BENTO_PORT,
        user=defaults.BENTO_USER,
        live=live,
        ready=ready,
    )


def _source(said: Spec) -> Source:
    if "oci" in said:
        location, _, digest = said["oci"].partition("@")
        return Source(kind="oci", location=location, digest=digest)
    if "s3" in said:
        return Source(kind="s3", location=said["s3"], digest=said["sha256"])
    return Source(kind="git", location=said["git"], digest=said["commit"])


@lru_cache(maxsize=4096)  # every environment asks for the same sources
def _content(source: Source) -> str:
    """Return the hash of everything that decides what the image holds; who builds it, and where, does not."""
    inputs = {"source": source.kind, "location": source.location, "digest": source.digest, "recipe": RECIPE}
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:TAG_DIGITS]
