"""Rules on what a tree makes Argo CD and the clusters do, one function each: they yield what breaks them, in words."""

import re
from typing import Any

from golden_cases import WAVE, Tree
from tree_rules import Found, applications_of, closure, leaves, objects_of

from generator.names import HUB
from generator.seldon.operator import expand
from generator.verify import projects
from generator.verify.law import key, named

Object = dict[str, Any]
NAME_MAX = 63
RETRY_S = 300  # a quota controller may need five minutes to know a new kind
OPTIONS = ["CreateNamespace=false", "FailOnSharedResource=true", "ServerSideApply=true"]
WALLS = ("LimitRange", "NetworkPolicy", "PeerAuthentication", "ResourceQuota", "Sidecar")
POLICIES = ("AuthorizationPolicy", "RequestAuthentication")
WORKLOADS = ("Deployment", "Job", "PodDisruptionBudget", "SeldonDeployment")


def names_stay_as_they_are_and_fit(tree: Tree) -> Found:
    for obj in objects_of(tree):
        made = expand(obj) if obj["kind"] == "SeldonDeployment" else ()
        for one in (obj, *made):
            name = one["metadata"]["name"]
            if len(name) > NAME_MAX or re.fullmatch(r"seldon-[0-9a-f]{32}(-.*)?", name):
                yield named(key(one))


def images_have_a_digest_or_a_tag_made_of_their_content(tree: Tree) -> Found:
    for obj in objects_of(tree):
        for path, value in leaves(obj):
            if path.endswith(".image"):
                tool = obj["kind"] == "Job" or ".initContainers[" in path  # the platform's, by version
                fixed = r"@sha256:[0-9a-f]{64}$|:.*-[0-9a-f]{12}$" + (
                    r"|:v?[0-9]+\.[0-9]+[0-9.]*[a-z-]*$" if tool else ""
                )
                if not re.search(fixed, str(value)):
                    yield f"{named(key(obj))}: {value}"


def what_is_served_by_tag_is_what_a_job_pushes(tree: Tree) -> Found:
    pushed = {value for job in objects_of(tree, "Job") for path, value in leaves(job) if path.endswith(".value")}
    for obj in objects_of(tree, "SeldonDeployment"):
        for path, value in leaves(obj):
            built = path.endswith(".image") and ".initContainers[" not in path and "@" not in str(value)
            if built and value not in pushed:
                yield f"{named(key(obj))}: nothing builds {value}"


def jobs_end_by_themselves_and_run_once(tree: Tree) -> Found:
    for job in objects_of(tree, "Job"):
        spec, annotations = job["spec"], job["metadata"].get("annotations", {})
        if not re.search(r"-[0-9a-f]{10}$", job["metadata"]["name"]):
            yield f"{named(key(job))} is not named by its content"
        if not 0 < spec.get("activeDeadlineSeconds", 0) <= 3600 or "backoffLimit" not in spec:
            yield f"{named(key(job))} may run for ever"
        if "ttlSecondsAfterFinished" in spec or "argocd.argoproj.io/hook" in annotations:
            yield f"{named(key(job))} would run again and again"
        if spec["template"]["spec"]["restartPolicy"] != "Never":
            yield f"{named(key(job))} restarts its pod"


def nothing_waits_for_ever(tree: Tree) -> Found:
    for obj in objects_of(tree, "SeldonDeployment"):
        for predictor in obj["spec"]["predictors"]:
            if not predictor.get("progressDeadlineSeconds"):
                yield f"{named(key(obj))}: {predictor['name']} has no deadline"
    parameters = next(obj for obj in tree.hub if obj["metadata"]["name"] == "argocd-cmd-params-cm")["data"]
    if int(parameters.get("controller.sync.timeout.seconds", 0)) <= 3600:
        yield "Argo CD has no backstop"


def walls_come_before_policies_and_policies_before_the_workload(tree: Tree) -> Found:
    for obj in objects_of(tree):
        wave = obj["metadata"].get("annotations", {}).get(WAVE, "0")
        wanted = {"Namespace": -3, **dict.fromkeys(WALLS, -2), **dict.fromkeys(WORKLOADS, 0)}.get(obj["kind"])
        if not re.fullmatch(r"-?[0-9]+", str(wave)) or not isinstance(wave, str):
            yield f"{named(key(obj))}: {wave!r} is no wave"
        elif wanted is not None and int(wave) != wanted:
            yield f"{named(key(obj))} is in wave {wave}"
        elif obj["kind"] in POLICIES and int(wave) >= 0:
            yield f"{named(key(obj))} comes with the workload"


def every_model_has_its_two_policies_and_only_allows(tree: Tree) -> Found:
    for folder, objects in tree.synced.items():
        policies = {(obj["kind"], obj["metadata"]["name"]) for obj in objects if obj["kind"] in POLICIES}
        for obj in objects:
            if obj["kind"] == "SeldonDeployment":
                lacking = [kind for kind in POLICIES if (kind, obj["metadata"]["name"]) not in policies]
                yield from (f"{named(key(obj))} has no {kind}" for kind in lacking)
            if obj["kind"] == "AuthorizationPolicy" and obj["spec"].get("action", "ALLOW") != "ALLOW":
                yield f"{folder}: {named(key(obj))} may be pruned before what it guards"


def ports_say_their_protocol(tree: Tree) -> Found:
    for obj in objects_of(tree, "SeldonDeployment"):
        for predictor in obj["spec"]["predictors"]:
            made = [part["spec"] for part in predictor.get("componentSpecs", ())]
            containers = [one for pod in made for kind in ("initContainers", "containers") for one in pod.get(kind, ())]
            if explainer := predictor.get("explainer", {}).get("containerSpec"):
                containers.append(explainer)
            for container in containers:
                if any("protocol" not in port for port in container.get("ports", ())):
                    yield f"{named(key(obj))}: {container['name']}"


def a_host_is_one_tenants(tree: Tree) -> Found:
    owners: dict[str, str] = {}
    for gateway in objects_of(tree, "Gateway"):
        for host in (host for server in gateway["spec"]["servers"] for host in server["hosts"]):
            namespace, _, name = host.partition("/")
            if "*" in host or owners.setdefault(name, namespace) != namespace:
                yield f"{named(key(gateway))}: {host}"


def quotas_count_no_custom_resource(tree: Tree) -> Found:
    for quota in objects_of(tree, "ResourceQuota"):
        for name in quota["spec"]["hard"]:
            if name.startswith("count/") and "." in name.removeprefix("count/"):
                yield f"{named(key(quota))}: {name}"


def a_namespace_outlives_a_mistake(tree: Tree) -> Found:
    for obj in objects_of(tree, "Namespace"):
        if obj["metadata"]["annotations"].get("argocd.argoproj.io/sync-options") != "Prune=confirm,Delete=confirm":
            yield named(key(obj))
    for app in applications_of(tree):
        if app["spec"]["source"]["path"].endswith("namespace") and app["metadata"].get("finalizers"):
            yield f"{named(key(app))} takes its namespace along"


def projects_permit_what_is_named_and_no_more(tree: Tree) -> Found:
    for obj in objects_of(tree, "AppProject"):
        spec, name = obj["spec"], obj["metadata"]["name"]
        if name == "default":
            continue
        if len(spec["sourceRepos"]) != 1 or "*" in str(spec["sourceRepos"]) + str(spec["destinations"]):
            yield f"{name} permits places without a name"
        if "!" in str(spec["destinations"]) or not spec["destinations"]:
            yield f"{name} permits by exception"
        if any(not item.get("name") for item in spec["clusterResourceWhitelist"]):
            yield f"{name} permits every object of a cluster-wide kind"
        if not spec["namespaceResourceWhitelist"] or "*" in str(spec["namespaceResourceWhitelist"]):
            yield f"{name} permits every kind"
        if {"roles", "sourceNamespaces", "signatureKeys"} & spec.keys() or not obj["metadata"].get("finalizers"):
            yield f"{name} has fields of its own"


def the_default_project_permits_nothing(tree: Tree) -> Found:
    (project,) = [obj for obj in objects_of(tree, "AppProject") if obj["metadata"]["name"] == "default"]
    everything = [{"group": "*", "kind": "*"}]
    lists = (
        "sourceRepos",
        "sourceNamespaces",
        "destinations",
        "clusterResourceWhitelist",
        "namespaceResourceWhitelist",
    )
    wanted = {name: [] for name in lists} | {"clusterResourceBlacklist": everything}
    wanted["namespaceResourceBlacklist"] = everything
    yield from (name for name, value in wanted.items() if project["spec"].get(name) != value)


def applications_are_as_every_application_is(tree: Tree) -> Found:
    for app in applications_of(tree):
        name, spec = app["metadata"]["name"], app["spec"]
        if app["metadata"]["namespace"] != "argocd" or "{{" in spec["project"] or spec["project"] == "default":
            yield f"{name}: its project"
        if spec["source"].keys() != {"repoURL", "targetRevision", "path"}:
            yield f"{name}: its source overrides what is committed"
        if not re.fullmatch(r"refs/heads/.+|[0-9a-f]{40}", spec["source"]["targetRevision"]):
            yield f"{name}: its revision"
        if spec["syncPolicy"]["automated"] != {"prune": True, "selfHeal": True}:
            yield f"{name}: its automation"
        if spec["syncPolicy"]["syncOptions"] != OPTIONS:
            yield f"{name}: its options"
        if "ignoreDifferences" in spec:
            yield f"{name} ignores differences"


def retries_outlast_a_slow_controller_and_take_the_newest_revision(tree: Tree) -> Found:
    for app in applications_of(tree):
        retry = app["spec"]["syncPolicy"].get("retry", {})
        backoff, waited = retry.get("backoff", {}), 0
        for attempt in range(retry.get("limit", 0)):
            waited += min(
                _seconds(backoff["duration"]) * backoff["factor"] ** attempt, _seconds(backoff["maxDuration"])
            )
        if waited < RETRY_S or retry.get("refresh") is not True:
            yield f"{app['metadata']['name']} gives up after {waited} s"


def an_application_is_drawn_anew_for_its_own_folders_only(tree: Tree) -> Found:
    for app in applications_of(tree):
        path = app["spec"]["source"]["path"]
        given = app["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"].split(";")
        covered = [path if one == "." else one.lstrip("/") for one in given]
        for folder in closure(tree, path):
            if not any(folder == one or folder.startswith(f"{one}/") for one in covered):
                yield f"{app['metadata']['name']} does not notice {folder}"
        tenants = {one.split("/")[1] for one in covered if one.startswith("base/")}
        if tenants - {app["spec"]["project"]}:
            yield f"{app['metadata']['name']} is drawn anew for {', '.join(sorted(tenants))}"


def no_tenants_application_holds_roles_or_walls(tree: Tree) -> Found:
    for app in applications_of(tree):
        if app["spec"]["project"] != "platform":
            for obj in tree.printed[app["spec"]["source"]["path"]]:
                if obj["kind"] in (
                    *WALLS,
                    "Role",
                    "RoleBinding",
                    "ClusterRole",
                    "ClusterRoleBinding",
                    "Namespace",
                    "Secret",
                    "Gateway",
                ):
                    yield f"{app['metadata']['name']}: {named(key(obj))}"


def argocd_would_sync_all_of_it(tree: Tree) -> Found:
    yield from (problem.what for problem in projects.check(tree.printed[HUB], tree.printed))


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]
