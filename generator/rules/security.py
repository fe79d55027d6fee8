"""Rules about how tightly pods are held: Pod Security levels, the mesh's way in, and how many replicas there are."""

from collections.abc import Iterator

from generator.diag import Severity, quoted
from generator.names import tenant_spec
from generator.rules.cases import Case
from generator.rules.each import HERE, each_case
from generator.rules.guard import Breach, guarded
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs


def without_cni(specs: Specs) -> Problems:
    """Find a mesh whose pods no Pod Security level of a tenant would admit."""
    if specs.platform is None or specs.platform.spec["mesh"].get("cni"):
        return
    for tenant in specs.tenants[:1]:
        what = f"without istio-cni every pod needs more than Pod Security {quoted(tenant.pod_security)} allows"
        mark = specs.platform.mark("mesh", "cni") if "cni" in specs.platform.spec["mesh"] else None
        todo = "install istio-cni and write cni: true: else no pod of any tenant starts"
        yield mark or specs.platform.key_mark("mesh"), what, todo


def too_lax(specs: Specs) -> Iterator[Breach]:
    """Find tenants whose Pod Security level is below what an environment requires."""
    for tenant in specs.tenants:
        for name in tenant.environments if tenant.pod_security != "restricted" else ():
            required = tenant.platform.requires(name)
            if required.get("podSecurity", "restricted" if required.get("pins") else "baseline") == "restricted":
                what = f"{name} requires Pod Security restricted, and {tenant.name} has {tenant.pod_security}"
                todo = "write podSecurity: restricted, or ask the platform's owners for a waiver in platform.yaml"
                yield Breach(tenant.mark("podSecurity"), what, todo, tenant, name)


def executor_shut_out(case: Case) -> Problems:
    """Find models that need Seldon's executor in namespaces that do not admit it."""
    tenant = case.model.tenant
    if tenant.pod_security != "restricted" or not case.executor_for:
        return
    path = {"protocol seldon": ("api", "protocol"), "the request log": ("log",)}.get(case.executor_for, ("nodes",))
    what = f"{case.executor_for} needs Seldon's executor, which Pod Security restricted does not admit{HERE}"
    todo = f"write podSecurity: baseline in {tenant_spec(tenant.name)}, or use protocol bento or v2 with one node"
    yield case.mark(*path), what, todo


def explainer_shut_out(case: Case) -> Problems:
    """Find explainers whose pods Pod Security may refuse: only the proxies themselves can say their seccomp profile.

    The operator makes the pod of an explainer and gives it no profile (Seldon Core 1.17.1,
    operator/controllers/seldondeployment_explainers.go); whatever the container says, the proxy beside it has none.
    """
    tenant = case.model.tenant
    if tenant.pod_security != "restricted" or not case.spec.get("explainer"):
        return
    if not case.model.platform.spec["mesh"].get("proxySeccomp"):
        what = f"an explainer's pod is refused under Pod Security restricted if its proxy has no seccomp profile{HERE}"
        todo = "install istiod with global.proxy.seccompProfile.type: RuntimeDefault and write mesh.proxySeccomp: true"
        yield case.key_mark("explainer"), what, todo


def too_few(specs: Specs) -> Iterator[Breach]:
    """Find predictors with fewer replicas than an environment requires."""
    for model in specs.models:
        for case in model.cases:
            for name in case.environments:
                fewest = model.platform.requires(name).get("replicas", 1)
                for slot in case.predictors:
                    low = slot.spec.get("runtime", {}).get("replicas", {}).get("min", fewest)
                    if low < fewest:
                        what = f"{name} requires {fewest} replicas, and here are at least {low}"
                        mark = slot.mark("runtime", "replicas", "min")
                        todo = f"write replicas: {{min: {fewest}}} under environments.{name}.runtime"
                        yield Breach(mark, what, todo, model, name)


RULES = (
    Rule(
        id="cni-needed",
        title="the mesh has istio-cni",
        why="Without it Istio adds an init container that needs NET_ADMIN, which Pod Security restricted and baseline "
        "both refuse: no pod would start.",
        todo="Install istio-cni, and write `cni: true`.",
        example="cni: false",
        find=without_cni,
    ),
    Rule(
        id="pod-security-restricted",
        title="a tenant's Pod Security level is what its environments require",
        why="A container that breaks out of a baseline pod has more to work with.",
        todo="Write `podSecurity: restricted`, or have a waiver.",
        example="rule: pod-security-restricted",
        find=guarded("pod-security-restricted", too_lax),
    ),
    Rule(
        id="executor-in-restricted",
        title="models that need Seldon's executor live in namespaces of level baseline",
        why="The executor's container does not drop its capabilities and cannot be made to (seldon-core issue 5481): "
        "Kubernetes refuses every pod with it, and the model waits for ever.",
        todo="Let the tenant have `podSecurity: baseline`, or do without the executor.",
        example="podSecurity: restricted",
        find=each_case(executor_shut_out),
    ),
    Rule(
        id="explainer-in-restricted",
        title="where explainers live in namespaces of level restricted, proxies have a seccomp profile",
        why="The profile of every other pod is the pod's own and holds for its proxy too. An explainer's pod is made "
        "by Seldon's operator, which gives it none, so Kubernetes refuses it for its proxy, and the operator makes no "
        "route to a model until all its pods are ready, the explainer's too.",
        todo="Install istiod with `global.proxy.seccompProfile.type: RuntimeDefault` and write "
        "`mesh.proxySeccomp: true`, or let the tenant have `podSecurity: baseline`.",
        example="proxySeccomp: false",
        find=each_case(explainer_shut_out),
        severity=Severity.NOTICE,
    ),
    Rule(
        id="too-few-replicas",
        title="a predictor has as many replicas as the environment requires",
        why="One pod is an outage at every upgrade of a node.",
        todo="Raise `replicas.min` there, or leave it out.",
        example="runtime: {replicas: {min: 1, max: 4}}",
        find=guarded("too-few-replicas", too_few),
    ),
)
