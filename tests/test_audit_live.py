"""What runs against what git says: nothing to say of a faithful cluster, and every stranger by name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from audit_world import Object, golden, obj, on_disk, policy, who
from command import gen

from generator.audit.dump import objects_in, running
from generator.audit.live import Stranger, live_snapshot, strangers
from generator.audit.told import lines


def dumped() -> list[Object]:
    """Return what the cluster of prod holds if it is as git has it."""
    found: list[Object] = json.loads(json.dumps(golden().clusters["prod"].objects))
    return found


def asked(change: Callable[[list[Object]], None]) -> tuple[Stranger, ...]:
    objects = dumped()
    change(objects)
    return strangers(golden(), "prod", running(objects, golden().clusters["prod"]))


def told(found: tuple[Stranger, ...]) -> list[str]:
    return [f"{each.name}: {each.what}" for each in found]


def opens(stranger: Stranger) -> list[str]:
    return [
        f"{'+' if line.gains else '-'} {line.identity}: {line.what} of {line.place}"
        for line in lines(stranger.changes, ("prod",))
    ]


def shop(objects: list[Object], kind: str, name: str) -> Object:
    return obj(objects, kind, "shop", name)


def test_a_cluster_that_is_as_git_has_it_has_no_strangers() -> None:
    assert asked(lambda _: None) == ()


def test_what_the_api_server_adds_to_an_object_is_no_difference() -> None:
    def serve(objects: list[Object]) -> None:
        for each in objects:
            each["metadata"] |= {"uid": "1", "resourceVersion": "2", "managedFields": [], "generation": 1}
            each["status"] = {}

    assert asked(serve) == ()


def test_a_policy_that_git_does_not_know_is_named_with_what_it_opens() -> None:
    source = {"namespaces": ["debug"]}
    (found,) = asked(
        lambda objects: objects.append(policy("debug", "shop", action="ALLOW", rules=[{"from": [{"source": source}]}]))
    )
    assert told((found,)) == ["AuthorizationPolicy shop/debug: git does not know it"]
    assert opens(found) == [
        f"+ workload debug/*: anything of shop/{name}" for name in ("inside", "nobody", "open", "prices", "rank")
    ]


def weaken(objects: list[Object]) -> None:
    shop(objects, "PeerAuthentication", "default")["spec"]["mtls"]["mode"] = "PERMISSIVE"


def switch_off(objects: list[Object]) -> None:
    shop(objects, "AuthorizationPolicy", "rank")["metadata"]["annotations"]["istio.io/dry-run"] = "true"


def one_name_more(objects: list[Object]) -> None:
    rule = shop(objects, "AuthorizationPolicy", "rank")["spec"]["rules"][0]
    rule["when"][1]["values"].append("eve@corp.example")


def take_away(objects: list[Object]) -> None:
    objects.remove(shop(objects, "AuthorizationPolicy", "default-deny"))
    objects.remove(shop(objects, "AuthorizationPolicy", "nobody"))


def no_injection(objects: list[Object]) -> None:
    del obj(objects, "Namespace", "", "shop")["metadata"]["labels"]["istio-injection"]


@pytest.mark.parametrize(
    ("change", "name", "opened"),
    [
        (weaken, 'PeerAuthentication shop/default: spec.mtls.mode is "PERMISSIVE" where git has "STRICT"', []),
        (
            one_name_more,
            "AuthorizationPolicy shop/rank: spec.rules[0].when[1].values has 3 entries where git has 2",
            ["+ user eve@corp.example: predict of shop/rank"],
        ),
        (
            switch_off,
            "AuthorizationPolicy shop/rank: its annotation istio.io/dry-run is true",
            ["- user alice@corp.example: predict of shop/rank", "- user bob@corp.example: predict of shop/rank"],
        ),
    ],
    ids=["weaker", "wider", "dry-run"],
)
def test_an_object_that_git_has_otherwise_is_named(
    change: Callable[[list[Object]], None], name: str, opened: list[str]
) -> None:
    (found,) = asked(change)
    assert told((found,)) == [name]
    assert opens(found)[: len(opened)] == opened
    assert bool(opens(found)) is bool(opened)


def test_a_wall_that_is_gone_is_named() -> None:
    found = asked(take_away)
    assert told(found) == [
        "AuthorizationPolicy shop/default-deny: git has it and the cluster does not",
        "AuthorizationPolicy shop/nobody: git has it and the cluster does not",
    ]
    assert "+ any workload: anything of shop/nobody" in opens(found[1])


def test_pods_without_sidecars_and_pods_that_nobody_knows_are_named() -> None:
    found = asked(no_injection)
    assert told(found)[0] == 'Namespace shop: its label istio-injection is nothing where git has "enabled"'
    assert "+ nobody: anything of shop/rank" in opens(found[0])
    assert "Pod shop/rank-main-0-rank: these pods have no sidecar: no policy stands before them" in told(found)

    def intrude(objects: list[Object]) -> None:
        template = {"metadata": {"labels": {"app": "box"}}, "spec": {"serviceAccountName": "rank"}}
        metadata = {"name": "box", "namespace": "shop"}
        objects.append(
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
        )

    assert told(asked(intrude)) == ["Pod shop/box: git does not know these pods; they run as the ServiceAccount rank"]


UNJUDGED = [
    ("networking.istio.io/v1alpha3", "EnvoyFilter", {"configPatches": []}),
    ("extensions.istio.io/v1alpha1", "WasmPlugin", {"url": "oci://x"}),
    ("security.istio.io/v1", "AuthorizationPolicy", {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{}]}),
    ("networking.istio.io/v1", "Sidecar", {"ingress": [{"port": {"number": 1}}]}),
    ("security.istio.io/v1", "AuthorizationPolicy", {"rules": [{"from": [{"sauce": {}}]}]}),
]


@pytest.mark.parametrize(
    ("api", "kind", "spec"), UNJUDGED, ids=[f"{kind}-{i}" for i, (_, kind, _) in enumerate(UNJUDGED)]
)
def test_what_cannot_be_judged_is_named_and_the_rest_is_judged(api: str, kind: str, spec: Object) -> None:
    metadata = {"name": "strange", "namespace": "shop"}
    objects = [*dumped(), {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}]
    found = running(objects, golden().clusters["prod"])
    (stranger,) = strangers(golden(), "prod", found)
    assert stranger.name == f"{kind} shop/strange"
    assert stranger.what.endswith("what it opens cannot be said")
    made = live_snapshot(golden(), "prod", found).matrix()
    assert any(identity == who("client checkout") for identity, _ in made.cells)


def test_strangers_in_namespaces_of_others_have_no_say_here() -> None:
    assert asked(lambda objects: objects.append(policy("x", "elsewhere", action="ALLOW", rules=[{}]))) == ()


def test_a_dump_of_policies_alone_is_completed_from_git() -> None:
    objects = [each for each in dumped() if "security.istio.io" in each["apiVersion"]]
    found = running(objects, golden().clusters["prod"])
    assert found.from_git == ("VirtualService", "DestinationRule", "Gateway", "pods", "Namespace")
    assert strangers(golden(), "prod", found) == ()


@pytest.mark.parametrize("form", ["list", "documents", "json"])
def test_a_dump_reads_in_every_form_that_kubectl_prints(tmp_path: Path, form: str) -> None:
    objects, path = dumped(), tmp_path / "dump"
    whole = {"apiVersion": "v1", "kind": "List", "items": objects}
    texts = {
        "list": yaml.safe_dump(whole),
        "documents": yaml.safe_dump_all([*objects[:9], {"kind": "PodList", "items": objects[9:]}]),
        "json": json.dumps(whole),
    }
    path.write_text(texts[form], encoding="utf-8")
    assert list(objects_in(path)) == objects


def test_the_command_prints_the_matrix_and_the_strangers(tmp_path: Path) -> None:
    root, path = on_disk(tmp_path), tmp_path / "dump.yaml"
    path.write_text(yaml.safe_dump_all(dumped()), encoding="utf-8")
    asked_ = ("access", "--live", str(path), "--environment", "prod", "--model", "inside")
    ran = gen(root, *asked_)
    assert (ran.code, ran.err.splitlines()[-1]) == (
        0,
        "nothing in the cluster has a say that git does not know, in prod",
    )
    objects = dumped()
    one_name_more(objects)
    path.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    ran = gen(root, *asked_)
    assert ran.code == 1
    assert "  opens: predict of shop/rank to user eve@corp.example, through the gateway\n" in ran.err
    assert gen(root, "access", "--live", str(path)).code == 2
    assert gen(root, "access", "--live", "no/such/file", "--environment", "prod").code == 2
    path.write_text("- 1", encoding="utf-8")
    assert gen(root, *asked_).code == 3
