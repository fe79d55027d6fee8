"""Who gets in, as the rendered policies decide: exactly those whom the specs grant, and every hole is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from audit_world import ACCESS, RANK, Object, door, edited, golden, obj, on_disk, policy, said, taken, who
from command import gen
from golden_cases import ROOT

from generator.access.keys import thumbprint
from generator.access.pods import workloads_of
from generator.access.reading import UnsupportedError
from generator.audit.identities import Identity, Kind
from generator.audit.records import as_csv, record
from generator.audit.told import strangers
from generator.audit.verdicts import beyond, refused

ORDER = ("dev", "prod")


def test_the_matrix_of_the_golden_case_is_what_its_specs_grant() -> None:
    assert said(golden().matrix()) == {
        "predict of shop/inside in dev": ["workload orders/checkout"],
        "predict of shop/open in dev": ["anyone with a token", "stranger"],
        "predict of shop/prices in dev": ["user zoe@partner.example", "group analysts", "client nightly"],
        "predict of shop/rank in dev": [
            "user alice@corp.example",
            "user bob@corp.example",
            "group Shop Analysts",
            "group shop-leads",
            "workload orders/checkout",
            "workload search/web",
        ],
        "train of shop/rank in dev": [
            "user dora@corp.example",
            "user erin@corp.example",
            "group Shop Analysts",
            "group desk",
            "group shop-leads",
            "client desk-batch",
            "workload desk/runner",
        ],
        "predict of shop/inside in prod": ["workload orders/checkout"],
        "predict of shop/prices in prod": ["user zoe@partner.example", "group analysts", "client nightly"],
        "predict of shop/rank in prod": [
            "user alice@corp.example",
            "user bob@corp.example",
            "group Shop Analysts",
            "group shop-leads",
            "client checkout",
        ],
        "train of shop/rank in prod": [
            "user dora@corp.example",
            "group Shop Analysts",
            "group desk",
            "group shop-leads",
            "client desk-batch",
            "workload desk/runner",
        ],
    }


def test_in_the_example_tenants_everybody_who_gets_in_is_granted_and_everybody_granted_gets_in() -> None:
    repository = taken(root=ROOT)
    made = repository.matrix()
    assert strangers(beyond(made, repository.granted), tuple(repository.models)) == ()
    assert refused(made, repository.granted) == ()
    assert len(made.cells) > 40


def test_the_platforms_own_needs_are_cells_too() -> None:
    made = golden().matrix()
    for name in ("inside", "nobody", "open", "prices", "rank"):
        assert made.allows(who("workload monitoring/prometheus"), door(f"metrics of shop/{name} in prod"))
    assert not made.allows(who("workload monitoring/prometheus"), door("predict of shop/rank in prod"))


ISSUER = "https://idp.local/auth/realms/ML"
FOREIGN = {"kty": "OKP", "crv": "Ed25519", "x": "qjpGn6_xLTSijCNCtoGTqBEcG209cK-Gra8NJ8Nxf1c", "kid": "spare"}
THUMB = thumbprint(FOREIGN)
OWN = thumbprint(json.loads((ACCESS / "keys/corp.json").read_text(encoding="utf-8"))["keys"][0])
INSIDE = "predict of shop/rank|inside the mesh|shop/rank rule 0"
GATEWAY = "predict of shop/rank|through the gateway|shop/rank rule 0"
HOLES: dict[str, tuple[Callable[[list[Object]], None], tuple[str, ...]]] = {}
Change = Callable[[list[Object]], None]


def hole(*found: str) -> Callable[[Change], Change]:
    """Say who gets in by a change by hand, for the test below: who, what, how, by which rule."""

    def planted(change: Change) -> Change:
        HOLES[change.__name__] = (change, found)
        return change

    return planted


def rank(objects: list[Object]) -> Object:
    return obj(objects, "AuthorizationPolicy", "shop", "rank")


def alice(objects: list[Object]) -> Object:
    """Return the rule of rank that names Alice."""
    found: Object = next(rule for rule in rank(objects)["spec"]["rules"] if "alice@corp.example" in str(rule))
    return found


def emails(rule: Object) -> list[str]:
    found: list[str] = next(when for when in rule["when"] if "email" in when["key"])["values"]
    return found


def opened(objects: list[Object], name: str, rule: Object, namespace: str = "shop") -> None:
    """Let somebody into the model that nobody may call."""
    selector = {"matchLabels": {"seldon-deployment-id": "nobody"}}
    objects.append(policy(name, namespace, selector=selector, action="ALLOW", rules=[rule]))


def unencrypted(objects: list[Object]) -> None:
    obj(objects, "PeerAuthentication", "shop", "default")["spec"]["mtls"]["mode"] = "PERMISSIVE"


@hole("user mallory@corp.example|predict of shop/rank|through the gateway|shop/rank rule 0")
def a_name_more(objects: list[Object]) -> None:
    emails(alice(objects)).append("mallory@corp.example")


@hole(
    "user *@corp.example|predict of shop/rank|through the gateway|shop/rank rule 0",
    "stranger|predict of shop/rank|through the gateway|shop/rank rule 0",
)
def a_whole_domain(objects: list[Object]) -> None:
    emails(alice(objects)).append("*@corp.example")


@hole(
    "anyone with a token|anything of shop/nobody|through the gateway and inside the mesh|shop/all rule 0",
    "any workload|anything of shop/nobody|inside the mesh|shop/all rule 0",
)
def an_empty_rule(objects: list[Object]) -> None:
    opened(objects, "all", {})


@hole("workload search/*|anything of shop/nobody|inside the mesh|istio-system/search rule 0")
def a_policy_for_the_whole_mesh(objects: list[Object]) -> None:
    opened(objects, "search", {"from": [{"source": {"namespaces": ["search"]}}]}, "istio-system")


@hole(
    "user alice@corp.example|POST /admin of shop/rank|through the gateway|shop/rank rule 0",
    "user bob@corp.example|POST /admin of shop/rank|through the gateway|shop/rank rule 0",
)
def a_path_more(objects: list[Object]) -> None:
    alice(objects)["to"][0]["operation"]["paths"].append("/admin")


@hole(
    "user alice@corp.example|anything of shop/rank|through the gateway|shop/rank rule 0",
    "user bob@corp.example|anything of shop/rank|through the gateway|shop/rank rule 0",
)
def no_path_at_all(objects: list[Object]) -> None:
    del alice(objects)["to"][0]["operation"]["paths"]


@hole("header x-debug: on|anything of shop/nobody|inside the mesh|shop/debug rule 0")
def a_header_that_anybody_sends(objects: list[Object]) -> None:
    unencrypted(objects)
    opened(objects, "debug", {"when": [{"key": "request.headers[x-debug]", "values": ["on"]}]})


@hole("address 10.0.0.0/8|anything of shop/nobody|inside the mesh|shop/office rule 0")
def an_address(objects: list[Object]) -> None:
    unencrypted(objects)
    opened(objects, "office", {"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]})


@hole(
    "anyone with a token|anything of shop/nobody|through the gateway and inside the mesh|shop/all rule 0",
    "nobody|anything of shop/nobody|inside the mesh|shop/all rule 0",
)
def neither_mutual_tls_nor_an_identity(objects: list[Object]) -> None:
    unencrypted(objects)
    opened(objects, "all", {})


@hole(
    "user alice@corp.example (token for the audience ml)|predict of shop/rank|through the gateway|shop/rank rule 0",
    "user bob@corp.example (token for the audience ml)|predict of shop/rank|through the gateway|shop/rank rule 0",
)
def another_audience(objects: list[Object]) -> None:
    obj(objects, "RequestAuthentication", "shop", "rank")["spec"]["jwtRules"][0]["audiences"].append("ml")
    next(when for when in alice(objects)["when"] if when["key"].endswith("audiences"))["values"].append("ml")


@hole("workload search/web and user alice@corp.example|anything of shop/nobody|inside the mesh|shop/pair rule 0")
def somebody_with_two_names(objects: list[Object]) -> None:
    source = {"principals": ["cluster.local/ns/search/sa/web"], "requestPrincipals": [f"{ISSUER}/*"]}
    when = [{"key": "request.auth.claims[email]", "values": ["alice@corp.example"]}]
    opened(objects, "pair", {"from": [{"source": source}], "when": when})


@hole(
    "user alice@corp.example|predict of shop/rank|inside the mesh|shop/rank rule 0",
    "user bob@corp.example|predict of shop/rank|inside the mesh|shop/rank rule 0",
)
def tokens_are_taken_from_any_pod(objects: list[Object]) -> None:
    del alice(objects)["from"][0]["source"]["principals"]


@hole("claim sub=u-17|predict of shop/rank|through the gateway|shop/rank rule 0")
def a_subject(objects: list[Object]) -> None:
    rule = alice(objects)
    rule["from"][0]["source"]["requestPrincipals"] = [f"{ISSUER}/u-17"]
    rule["when"] = [when for when in rule["when"] if "email" not in when["key"]]


@hole(
    f"user alice@corp.example (token of https://evil.example, signed with the key {OWN})|{GATEWAY}",
    f"user bob@corp.example (token of https://evil.example, signed with the key {OWN})|{GATEWAY}",
)
def another_issuer(objects: list[Object]) -> None:
    for name, namespace in (("rank", "shop"), ("seldon-gateway", "api")):
        rules = obj(objects, "RequestAuthentication", namespace, name)["spec"]["jwtRules"]
        rules.append({**rules[0], "issuer": "https://evil.example", "audiences": ["rank"]})
    alice(objects)["from"][0]["source"]["requestPrincipals"].append("https://evil.example/*")
    rules = obj(objects, "AuthorizationPolicy", "api", "tenant-shop")["spec"]["rules"]
    rules[0]["from"][0]["source"]["requestPrincipals"].append("https://evil.example/*")


@hole(
    f"user alice@corp.example (token signed with the key {THUMB})|{INSIDE}",
    f"user bob@corp.example (token signed with the key {THUMB})|{INSIDE}",
    "user alice@corp.example|predict of shop/rank|inside the mesh|shop/rank rule 0",
    "user bob@corp.example|predict of shop/rank|inside the mesh|shop/rank rule 0",
)
def another_key(objects: list[Object]) -> None:
    rule = obj(objects, "RequestAuthentication", "shop", "rank")["spec"]["jwtRules"][0]
    rule["jwks"] = json.dumps({"keys": [*json.loads(rule["jwks"])["keys"], FOREIGN]})
    del alice(objects)["from"][0]["source"]["principals"]


@pytest.mark.parametrize("name", HOLES)
def test_whoever_a_change_by_hand_lets_in_is_named(name: str) -> None:
    change, wanted = HOLES[name]
    tree = edited(golden(), "prod", change)
    texts = [
        f"{who_} gets in, and no spec grants it: {what} in prod, {how}, AuthorizationPolicy {rule}"
        for who_, what, how, rule in (text.split("|") for text in wanted)
    ]
    assert sorted(strangers(beyond(tree.matrix(), tree.granted), ORDER)) == sorted(texts)


def without_sidecars(objects: list[Object]) -> None:
    del obj(objects, "Namespace", "", "shop")["metadata"]["labels"]["istio-injection"]


def test_pods_without_a_sidecar_let_everybody_in_who_reaches_them() -> None:
    tree = edited(golden(), "prod", without_sidecars)
    cluster = tree.clusters["prod"]
    pods = (cluster.gateway, *workloads_of(cluster.objects))
    tree = replace(tree, clusters={**tree.clusters, "prod": replace(cluster, workloads=pods)})
    found = strangers(beyond(tree.matrix(), tree.granted), ORDER)
    assert all("nobody gets in" in text and "no sidecar guards the workload" in text for text in found)
    assert len(found) == 5


def test_a_model_that_no_spec_knows_has_doors_too() -> None:
    def smuggle(objects: list[Object]) -> None:
        selector = {"matchLabels": {"seldon-deployment-id": "ghost"}}
        rules = [{"from": [{"source": {"principals": ["cluster.local/ns/evil/sa/eve"]}}]}]
        objects.append(policy("ghost", "shop", selector=selector, action="ALLOW", rules=rules))

    tree = edited(golden(), "prod", smuggle)
    cluster = tree.clusters["prod"]
    ghost = next(pod for pod in cluster.workloads if pod.labels.get("seldon-deployment-id") == "nobody")
    ghost = replace(ghost, name="ghost", labels={**ghost.labels, "seldon-deployment-id": "ghost"}, services=())
    tree = replace(tree, clusters={"prod": replace(cluster, workloads=(*cluster.workloads, ghost))})
    (found,) = strangers(beyond(tree.matrix(), tree.granted), ORDER)
    assert found == (
        "workload evil/eve gets in, and no spec grants it: anything of shop/ghost in prod, inside the mesh, "
        "AuthorizationPolicy shop/ghost rule 0"
    )


def test_a_grant_that_the_trees_do_not_keep_is_named() -> None:
    def forget(objects: list[Object]) -> None:
        rank(objects)["spec"]["rules"] = []

    tree = edited(golden(), "prod", forget)
    lost = refused(tree.matrix(), tree.granted)
    assert [str(identity) for identity, at in lost if at == door("predict of shop/rank in prod")] == [
        "user alice@corp.example",
        "user bob@corp.example",
        "group Shop Analysts",
        "group shop-leads",
        "client checkout",
    ]


def test_what_cannot_be_judged_is_no_answer() -> None:
    def smuggle(objects: list[Object]) -> None:
        metadata = {"name": "lua", "namespace": "shop"}
        objects.append({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": metadata})

    with pytest.raises(UnsupportedError, match="EnvoyFilter shop/lua"):
        edited(golden(), "prod", smuggle).matrix()


def test_the_table_fits_eighty_columns(tmp_path: Path) -> None:
    ran = gen(on_disk(tmp_path), "access", "--model", "rank")
    assert ran.code == 0
    assert ran.out == (
        "shop/rank                     dev      prod\n"
        "  predict\n"
        "    user alice@corp.example   gateway  gateway  rank.yaml:8 SHOP-1\n"
        "    user bob@corp.example     gateway  gateway  rank.yaml:8 SHOP-1\n"
        "    group Shop Analysts       gateway  gateway  rank.yaml:9\n"
        "    group shop-leads          gateway  gateway  rank.yaml:9\n"
        "    client checkout           -        gateway  rank.yaml:10\n"
        "    workload orders/checkout  mesh     -        rank.yaml:11\n"
        "    workload search/web       mesh     -        rank.yaml:11\n"
        "  train\n"
        "    user dora@corp.example    gateway  gateway  rank.yaml:12\n"
        "    user erin@corp.example    gateway  -\n"
        "      rank.yaml:13 load test until 2031-01-31\n"
        "    group Shop Analysts       gateway  gateway  rank.yaml:9\n"
        "    group desk                gateway  gateway  rank.yaml:12\n"
        "    group shop-leads          gateway  gateway  rank.yaml:9\n"
        "    client desk-batch         gateway  gateway  rank.yaml:12\n"
        "    workload desk/runner      mesh     mesh     rank.yaml:12\n"
    )
    assert "and 2 that the platform itself needs" in ran.err


def test_the_other_forms_say_the_same(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    asked = ("access", "--model", "rank", "--client", "checkout")
    head, dev, prod = gen(root, *asked, "--format", "csv").out.splitlines()
    assert head.startswith(
        "environment,tenant,model,operation,identity,kind,name,allowed,ways,policy,rule,granted,file"
    )
    assert dev == "dev,shop,rank,predict,client checkout,client,checkout,no,,,,no,,,,,"
    assert prod.startswith("prod,shop,rank,predict,client checkout,client,checkout,yes,gateway,shop/rank,1,yes,")
    assert prod.endswith(f",{RANK},10,,,")
    cells = json.loads(gen(root, *asked, "--format", "json").out)["cells"]
    assert [(cell["environment"], cell["allowed"]) for cell in cells] == [("dev", False), ("prod", True)]
    markdown = gen(root, *asked, "--format", "markdown").out
    assert "| predict | `client checkout` | - | ✓ | `rank.yaml:10` |" in markdown
    page = gen(root, *asked, "--format", "html").out
    assert '<span class="yes" title="AuthorizationPolicy shop/rank rule 1">gateway</span>' in page
    assert "http" not in page.replace("https://", "")


def test_a_person_in_a_group_gets_what_either_gets(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    ran = gen(root, "access", "--as", "erin@corp.example", "--group", "desk", "--environment", "prod")
    assert [line.split("  ")[0] for line in ran.out.splitlines() if line] == ["shop/rank", "", ""]
    assert "user erin@corp.example and group desk" in ran.out
    assert "refused at the" in ran.err


def test_a_request_to_send_has_url_body_and_where_the_token_comes_from(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    asked = ("access", "--model", "rank", "--environment", "prod", "--curl")
    assert gen(root, *asked, "--client", "checkout").out.split("\n\n", 1)[1] == (
        "# client checkout: predict of shop/rank in prod\n"
        "# a token for the audience rank; CLIENT_SECRET is in the care of checkout\n"
        "ENDPOINT=$(curl --silent https://idp.local/auth/realms/ML/.well-known/openid-configuration"
        " | jq --raw-output .token_endpoint)\n"
        'TOKEN=$(curl --silent "$ENDPOINT" --data grant_type=client_credentials --data client_id=checkout'
        ' --data "client_secret=$CLIENT_SECRET" \\\n'
        "  | jq --raw-output .access_token)\n"
        "curl --fail-with-body https://shop.ml.corp.example/seldon/shop/rank/predict \\\n"
        '  --header "Authorization: Bearer $TOKEN" \\\n'
        "  --header 'Content-Type: application/json' \\\n"
        "  --data @request.json\n"
    )
    runner = gen(root, *asked, "--workload", "desk/runner").out
    assert "# in a pod of namespace desk with serviceAccountName runner" in runner
    assert "http://rank-main.shop.svc.cluster.local:3000/train" in runner


def test_names_that_nobody_has_are_said_with_the_closest(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    for words, text in (
        (("--model", "rnak"), 'there is no model "rnak"'),
        (("--environment", "staging"), 'there is no environment "staging"'),
        (("--as", "a b"), '"a b" names nobody'),
    ):
        ran = gen(root, "access", *words)
        assert (ran.code, text in ran.err) == (2, True), ran.err


def test_a_tree_that_somebody_edited_ends_with_one(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    path = root / "overlays/prod/shop/models/rank/authorizationpolicy-rank.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("bob@corp.example", "eve@corp.example"), encoding="utf-8")
    ran = gen(root, "access", "--model", "rank", "--environment", "prod")
    assert ran.code == 1
    assert "user eve@corp.example gets in, and no spec grants it: predict of shop/rank in prod" in ran.err
    assert f"user bob@corp.example is refused at predict of shop/rank in prod, and {RANK}:8 grants it" in ran.err
    assert "user eve@corp.example    gateway  NOT GRANTED in prod" in ran.out


def test_a_spreadsheet_runs_nothing_that_stands_in_a_policy() -> None:
    record_ = record(Identity(kind=Kind.USER, name="=cmd()"), door("predict of shop/rank in prod"), None, ())
    assert "'=cmd()" in as_csv([record_])


def test_the_rule_of_each_row_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    ran = gen(
        on_disk(tmp_path), "access", "--model", "rank", "--client", "checkout", "--workload", "desk/runner", "--rules"
    )
    assert ran.out == (
        "shop/rank                 dev      prod\n"
        "  predict\n"
        "    client checkout       -        gateway  rank.yaml:10\n"
        "      by AuthorizationPolicy shop/rank rule 1\n"
        "  train\n"
        "    workload desk/runner  mesh     mesh     rank.yaml:12\n"
        "      by AuthorizationPolicy shop/rank rule 6\n"
    )


def test_a_pod_of_another_model_gets_what_any_workload_gets() -> None:
    names = ("inside", "nobody", "open", "prices", "rank")
    everyone = tuple(who(f"workload shop/{name}") for name in names)
    made = replace(golden(), identities=everyone).matrix()
    foreign = [(one, at) for one, at in made.cells if one in everyone and one.name != f"shop/{at.model}"]
    assert foreign == []
