"""Two models of one namespace: what the operator would let them take from each other, a rule about specs refuses."""

import json

from graphs import PLATFORM, TENANT, TENANT_SPEC, Spec, bento, image
from graphs import _document as document
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import pipeline, resolve, rules
from generator.build import seldon
from generator.build.operator import settings_of
from generator.rules.generated import collisions
from generator.rules.specs import Specs
from generator.seldon.claims import clashes

KEYS = {"keys/corp.json": "{}"}
model_names = st.sampled_from(["a", "a-b", "a-b-c", "a-explainer", "a-main", "b"])
slot_names = st.sampled_from(["main", "b", "b-c", "c", "main-a", "0"][:5])
slots = st.lists(slot_names, min_size=1, max_size=2, unique=True)


@st.composite
def models(draw: st.DrawFn) -> Spec:
    """Return the spec of a model that may have several predictors, an explainer, or nodes."""
    names = draw(slots)
    shares = [100] if len(names) == 1 else [60, 40]
    spec: Spec = {
        "api": {"protocol": "seldon"},
        "predictors": {name: {"traffic": share} for name, share in zip(names, shares, strict=True)},
    }
    if draw(st.booleans()):
        spec["explainer"] = {"type": "ALE", "predictor": names[0], "run": image()}
    nodes = draw(st.sampled_from([(), ("explainer",), ("c", "main"), ("b-c",)]))
    if nodes:
        chain = zip(nodes, (*nodes[1:], ""), strict=True)
        return {
            **spec,
            "nodes": {name: {"run": image(), **({"children": [after]} if after else {})} for name, after in chain},
        }
    return {**spec, "run": bento()}


def file(kind: str, name: str, spec: Spec) -> str:
    return json.dumps({"apiVersion": "modelapi/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})


def together(found: dict[str, Spec]) -> Specs:
    texts = {
        "platform.yaml": file("Platform", "ml", PLATFORM),
        f"tenants/{TENANT}/tenant.yaml": file("Tenant", TENANT, TENANT_SPEC),
        **{f"tenants/{TENANT}/{name}.yaml": file("Model", name, spec) for name, spec in found.items()},
    }
    return rules.of([document(text, path) for path, text in texts.items()], (), KEYS)


@given(st.dictionaries(model_names, models(), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_models_whose_names_the_operator_would_mix_up_are_refused_and_no_others(found: dict[str, Spec]) -> None:
    specs = together(found)
    platform = pipeline.platform_of(specs)
    tenant = resolve.tenant(specs.tenants[0].document.data, platform)
    place = resolve.place(platform, tenant, "dev")
    built = [seldon.build(resolve.model(one.document.data, place))[0] for one in specs.models]
    assert bool(list(collisions(specs))) == bool(clashes(built, settings_of(platform)))
