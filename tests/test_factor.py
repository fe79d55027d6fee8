"""Factoring: base and patches together always give back what was built, by our own reading and by Kustomize's."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from generator import kustomize, layout
from generator.factor import Layer, Patch, diff, factor


def deployment(name: str = "fraud", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": spec.pop("namespace", "risk")}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": metadata,
        "spec": spec,
    }


def predictor(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **fields}


def patched(document: Any, operations: Any) -> Any:
    """Apply JSON 6902 operations as RFC 6902 says, for objects and arrays."""
    document = deepcopy(document)
    for operation in operations:
        *parents, last = [p.replace("~1", "/").replace("~0", "~") for p in operation["path"].split("/")[1:]] or [""]
        place = document
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place[key]
        if operation["path"] == "":
            document = operation["value"]
        elif operation["op"] == "test":
            assert (place[int(last)] if isinstance(place, list) else place[last]) == operation["value"]
        elif operation["op"] == "remove":
            del place[int(last) if isinstance(place, list) else last]
        elif isinstance(place, list):
            if operation["op"] == "add":
                place.insert(int(last), operation["value"])
            else:
                place[int(last)] = operation["value"]
        else:
            assert operation["op"] == "add" or last in place
            place[last] = operation["value"]
    return document


def test_an_object_that_is_equal_everywhere_stands_in_the_base_alone() -> None:
    same = deployment(predictors=[predictor("main")])
    made = factor([same], {"dev": [same], "prod": [deployment(predictors=[predictor("main")], namespace="risk-prod")]})
    assert [obj["metadata"] for obj in made.base] == [{"name": "fraud"}]
    assert made.layers == {"dev": Layer(whole=(), patches=()), "prod": Layer(whole=(), patches=())}


def test_an_object_that_one_environment_lacks_stands_whole_in_the_others() -> None:
    one, other = deployment("a", predictors=[]), deployment("b", predictors=[])
    made = factor([one, other], {"dev": [one], "prod": [one, other]})
    assert [obj["metadata"]["name"] for obj in made.base] == ["a"]
    assert made.layers["prod"] == Layer(whole=(other,), patches=())


def test_a_patch_tests_the_name_of_every_list_element_before_it_goes_in() -> None:
    neutral = deployment(predictors=[predictor("main", traffic=90), predictor("canary", traffic=10)])
    alone = deployment(predictors=[predictor("main", traffic=100)])
    (patch,) = factor([neutral], {"dev": [alone]}).layers["dev"].patches
    assert patch.operations == (
        {"op": "test", "path": "/spec/predictors/1/name", "value": "canary"},
        {"op": "remove", "path": "/spec/predictors/1"},
        {"op": "test", "path": "/spec/predictors/0/name", "value": "main"},
        {"op": "replace", "path": "/spec/predictors/0/traffic", "value": 100},
    )


def test_a_patch_without_list_elements_begins_with_a_test_of_the_name() -> None:
    (patch,) = factor([deployment()], {"dev": [deployment(annotations={"a/b~c": "x"})]}).layers["dev"].patches
    assert patch.operations == (
        {"op": "test", "path": "/metadata/name", "value": "fraud"},
        {"op": "add", "path": "/spec/annotations", "value": {"a/b~c": "x"}},
    )


def test_elements_that_change_places_are_replaced_as_a_whole_list() -> None:
    assert diff([predictor("a"), predictor("b")], [predictor("b"), predictor("a")], "/x") == [
        {"op": "replace", "path": "/x", "value": [predictor("b"), predictor("a")]}
    ]


scalars = st.booleans() | st.integers(0, 9) | st.sampled_from(["main", "canary", "a/b", "~1", ""])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "a/b", "~", "traffic"]), inner, max_size=3)
        | st.lists(
            st.builds(predictor, st.sampled_from(["main", "canary", "shadow"]), x=inner),
            max_size=3,
            unique_by=lambda e: e["name"],
        )
    ),
    max_leaves=12,
)


@given(values, values)
def test_applying_the_difference_gives_the_new_value(old: Any, new: Any) -> None:
    made = patched(old, diff(old, new))
    assert made == new
    assert repr(made) == repr(new) or made == new


@given(values)
def test_a_value_has_no_difference_to_itself(value: Any) -> None:
    assert diff(value, deepcopy(value)) == []


def test_kustomize_applies_the_patches_as_we_do(tmp_path: Path) -> None:
    neutral = deployment(
        predictors=[predictor("main", traffic=90, labels={"a/b": "x"}), predictor("canary", traffic=10)]
    )
    wanted = {
        "dev": deployment(predictors=[predictor("main", traffic=100)]),
        "prod": deployment(
            predictors=[
                predictor("main", traffic=80, labels={"a/b": "y"}),
                predictor("new", traffic=5),
                predictor("canary", traffic=15),
            ],
            namespace="risk-prod",
        ),
    }
    made = factor([neutral], {name: [obj] for name, obj in wanted.items()})
    files = dict(layout.whole("base/risk/fraud", "tenants/risk/fraud.yaml", made.base))
    for name, layer in made.layers.items():
        folder = f"overlays/{name}/risk/models/fraud"
        namespace = wanted[name]["metadata"]["namespace"]
        files |= layout.patched(
            folder, "tenants/risk/fraud.yaml", base_folder="base/risk/fraud", namespace=namespace, layer=layer
        )
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for name, obj in wanted.items():
        assert kustomize.build(tmp_path, f"overlays/{name}/risk/models/fraud") == [obj]


def test_the_patch_of_an_object_names_its_whole_kind() -> None:
    (patch,) = factor([deployment()], {"dev": [deployment(a=1)]}).layers["dev"].patches
    assert patch == Patch(
        api_version="machinelearning.seldon.io/v1", kind="SeldonDeployment", name="fraud", operations=patch.operations
    )
