"""A platform, three tenants and their models as `resolve` would give them, built by hand for the tests of builders."""

from dataclasses import replace

from generator.model import (
    Detector,
    Explainer,
    Grants,
    Log,
    Model,
    Node,
    NodeType,
    Operation,
    Predictor,
    Protocol,
    Run,
    Runtime,
    Scale,
    Secret,
    Source,
    Volume,
)
from generator.tenancy import (
    Account,
    BuildSettings,
    Egress,
    Environment,
    Gateway,
    Issuer,
    Mesh,
    Place,
    Platform,
    Sink,
    Tenant,
    Tracing,
)

JWKS = '{"keys":[{"alg":"RS256","e":"AQAB","kid":"corp-1","kty":"RSA","n":"sXch","use":"sig"}]}'

CORP = Issuer(
    name="corp",
    url="https://idp.local/auth/realms/ML",
    audiences=("ml", "fraud"),
    jwks=JWKS,
    jwks_uri="",
    user_claim="email",
    groups_claim="groups",
    client_claim="azp",
    user_domains=("corp.example",),
)
# An issuer that ends in "/", whose groups are nested and whose claims are URLs.
PARTNER = Issuer(
    name="partner",
    url="https://partner.example/",
    audiences=("partner-ml",),
    jwks="",
    jwks_uri="https://partner.example/keys",
    user_claim="https://partner.example/mail",
    groups_claim="realm_access.roles",
    client_claim="client_id",
    user_domains=("partner.example",),
)
AUDIT = Sink(
    name="audit",
    url="http://payload-log.audit.svc:8080",
    host="payload-log.audit.svc",
    namespace="audit",
    port=8080,
)


def environment(name: str = "prod") -> Environment:
    """Return one of the environments dev, staging and prod."""
    after = {"dev": "", "staging": "dev", "prod": "staging"}[name]
    infix = {"dev": ".dev", "staging": ".stg", "prod": ""}[name]
    return Environment(
        name=name,
        after=after,
        cluster=f"https://{name}.k8s.local:6443",
        namespace="{tenant}",  # noqa: RUF027  # a template of the platform spec
        host=f"{{tenant}}{infix}.ml.corp.example",
        pins=name == "prod",
        replicas=2 if name == "prod" else 1,
        pod_security="restricted",
        forbid=("anyAuthenticated",) if name == "prod" else (),
    )


def platform() -> Platform:
    """Return the platform ``ml``: two issuers, Prometheus, tracing, one sink."""
    return Platform(
        name="ml",
        repository="https://git.local/ml/apis.git",
        branch="main",
        reviewers="@corp/ml-platform",
        versions=(("kubernetes", "1.34"), ("istio", "1.30.5"), ("seldon", "1.17.1"), ("argocd", "3.5.1")),
        issuers=(CORP, PARTNER),
        mesh=Mesh(
            trust_domain="cluster.local",
            root_namespace="istio-system",
            cni=True,
            gateway=Gateway(
                namespace="api",
                name="seldon-gateway",
                account=Account(namespace="api", name="seldon-gateway"),
                selector=(("istio", "ingressgateway"),),
                certificate="ml-api-tls",
            ),
        ),
        prometheus=Account(namespace="monitoring", name="prometheus"),
        access_log="audit-log",
        tracing=Tracing(provider="otel", percent=1.0, service="otel-collector.tracing.svc.cluster.local:4317"),
        sinks=(AUDIT,),
        build=BuildSettings(
            environment="dev",
            engine="buildkit",
            namespace="{tenant}-build",  # noqa: RUF027  # a template of the platform spec
            registry="registry.local/{tenant}",  # noqa: RUF027  # a template of the platform spec
            push_secret="registry-push",  # noqa: S106  # the name of a Secret
            seccomp="profiles/buildkit.json",
            images=(
                ("buildkit", f"registry.local/tools/buildkit@sha256:{'1' * 64}"),
                ("oras", f"registry.local/tools/oras@sha256:{'2' * 64}"),
                ("s3", f"registry.local/tools/s3@sha256:{'3' * 64}"),
                ("bento", f"registry.local/tools/bento@sha256:{'4' * 64}"),
            ),
        ),
        registries=("registry.local",),
        pull_secret="registry-pull",  # noqa: S106  # the name of a Secret
        argocd="argocd",
        seldon="seldon-system",
        environments=tuple(environment(name) for name in ("dev", "staging", "prod")),
    )


def tenant(name: str = "payments") -> Tenant:
    """Return a tenant with nothing but its name, quota and viewers."""
    return Tenant(
        name=name,
        contact=f"{name}@corp.example",
        data="confidential",
        environments=("dev", "staging", "prod"),
        pod_security="restricted",
        reviewers=(("default", f"@corp/{name}"),),
        view=(f"{name}-ml",),
        quota=(("cpu", "40"), ("memory", "160Gi")),
        egress=(),
        calls=(),
        registries=(),
        applications="tenant",
    )


def place(of: Tenant | None = None, env: str = "prod", on: Platform | None = None) -> Place:
    """Return the namespace that a tenant's models have in an environment."""
    of = of or tenant()
    where = environment(env)
    return Place(
        platform=on or platform(),
        tenant=of,
        environment=where,
        namespace=of.name,
        host=where.host.format(tenant=of.name),
        build_namespace=f"{of.name}-build" if env == "dev" else "",
    )


def runtime(**changes: object) -> Runtime:
    """Return what a small node gets, with some of it changed."""
    given = Runtime(
        cpu="500m",
        memory="512Mi",
        gpu=0,
        timeout_s=30,
        workers=1,
        startup_s=60,
        env=(),
        secrets=(),
        volumes=(),
        node_selector=(),
        tolerations=(),
    )
    return replace(given, **changes)  # type: ignore[arg-type]  # the fields are checked where they are used


def bento_run(bento: str, version: str, image: str, tenant_name: str = "payments") -> Run:
    """Return a built Bento, fetched as an OCI artifact."""
    return Run(
        kind="bento",
        image=image,
        bento=bento,
        version=version,
        source=Source(kind="oci", location=f"registry.local/{tenant_name}/bentos/{bento}", digest=f"sha256:{'a' * 64}"),
        tag_image=f"registry.local/{tenant_name}/{bento}:{version}-3c1f0e9d8b7a",
        server="",
        model_uri="",
        port=3000,
        user=1034,
        live="/livez",
        ready="/readyz",
    )


def image_run(image: str, port: int = 9000) -> Run:
    """Return a given image that speaks Seldon's protocol."""
    return Run(
        kind="image",
        image=image,
        bento="",
        version="",
        source=None,
        tag_image="",
        server="",
        model_uri="",
        port=port,
        user=8888,
        live="",
        ready="",
    )


def server_run(server: str, model_uri: str) -> Run:
    """Return one of Seldon's stock servers."""
    return replace(image_run(""), kind="server", server=server, model_uri=model_uri)


def node(name: str, run: Run | None, of: NodeType = NodeType.MODEL, children: tuple[Node, ...] = ()) -> Node:
    """Return a node with a small runtime and no parameters."""
    return Node(name=name, type=of, implementation="", run=run, runtime=runtime(), parameters=(), children=children)


def grants(*operations: str) -> Grants:
    """Return grants of the operations to nobody; `replace` names the callers."""
    return Grants(operations=operations, users=(), groups=(), clients=(), workloads=(), anyone=False)


def iris(env: str = "dev") -> Model:
    """Return a model of one Bento without executor, granted to one user."""
    run = bento_run(
        "iris_classifier",
        "1.2.0",
        "registry.local/example-model/iris_classifier:1.2.0-3c1f0e9d8b7a",
        tenant_name="example-model",
    )
    scale = Scale(low=1, high=1, cpu_percent=70)
    return Model(
        place=place(tenant("example-model"), env),
        name="iris",
        owner="ml@corp.example",
        data="internal",
        protocol=Protocol.BENTO,
        executor=False,
        issuer=CORP,
        audience="ml",
        operations=(
            Operation(
                name="predict",
                methods=("POST",),
                paths=("/predict",),
                grpc_paths=(),
                port=3000,
                grpc_port=0,
                prefix="/seldon/example-model/iris",
            ),
        ),
        predictors=(Predictor(name="main", traffic=100, shadow=False, scale=scale, graph=node("iris", run)),),
        explainer=None,
        detectors=(),
        log=None,
        grants=(replace(grants("predict"), users=("alice@corp.example",)),),
        missing_pins=(),
    )


def fraud(env: str = "prod") -> Model:
    """Return a model behind the executor with a canary, an explainer, a caller in the mesh, a secret and a volume."""
    own = runtime(
        cpu="1",
        memory="2Gi",
        timeout_s=3,
        env=(("LOG_LEVEL", "info"),),
        secrets=(Secret(variable="FEATURES_TOKEN", secret="features", key="token"),),  # noqa: S106  # a name
        volumes=(Volume(name="cache", path="/cache", kind="empty", source="1Gi", read_only=False),),
    )
    slots = (
        ("main", 90, Scale(low=4, high=20, cpu_percent=70), "2.4.1"),
        ("canary", 10, Scale(low=2, high=2, cpu_percent=70), "2.5.0"),
    )
    predictors = tuple(
        Predictor(
            name=name,
            traffic=traffic,
            shadow=False,
            scale=scale,
            graph=replace(
                node(
                    "fraud", bento_run("fraud", version, f"registry.local/payments/fraud:{version}@sha256:{'b' * 64}")
                ),
                runtime=own,
            ),
        )
        for name, traffic, scale, version in slots
    )
    return Model(
        place=place(env=env),
        name="fraud",
        owner="fraud-ml@corp.example",
        data="confidential",
        protocol=Protocol.V2,
        executor=True,
        issuer=CORP,
        audience="fraud",
        operations=(
            Operation(
                name="predict",
                methods=("POST",),
                paths=("/v2/models/fraud/infer", "/v2/models/infer"),
                grpc_paths=("/inference.GRPCInferenceService/ModelInfer",),
                port=8000,
                grpc_port=5001,
                prefix="/seldon/payments/fraud",
            ),
            Operation(
                name="explain",
                methods=("POST",),
                paths=("/v2/models/fraud/infer",),
                grpc_paths=(),
                port=9000,
                grpc_port=0,
                prefix="/seldon/payments/fraud-explainer/main",
            ),
        ),
        predictors=predictors,
        explainer=Explainer(
            type="AnchorTabular",
            predictor="main",
            run=image_run(f"registry.local/payments/fraud-anchor@sha256:{'c' * 64}"),
            runtime=runtime(),
        ),
        detectors=(),
        log=None,
        grants=(
            replace(grants("predict", "explain"), groups=("fraud-analysts",)),
            replace(
                grants("predict"), clients=("checkout",), workloads=(Account(namespace="orders", name="checkout"),)
            ),
        ),
        missing_pins=(),
    )


def churn(env: str = "prod") -> Model:
    """Return a model whose graph is spread over five pods, with a detector and a request log."""
    growth = replace(
        tenant("growth"),
        pod_security="baseline",
        quota=(("cpu", "40"), ("gpu", "2"), ("memory", "160Gi")),
        egress=(Egress(host="features.corp.example", port=443, cidrs=()),),
        registries=("registry.local/growth",),
    )

    def image(name: str) -> Run:
        return image_run(f"registry.local/growth/{name}@sha256:{'d' * 64}")

    gbm = replace(node("gbm", image("gbm")), runtime=runtime(memory="1Gi"))
    net = replace(node("net", image("net")), runtime=runtime(gpu=1))
    choose = replace(
        node("choose", image("mab"), NodeType.ROUTER, (gbm, net)), parameters=(("epsilon", "0.1", "FLOAT"),)
    )
    outliers = node("outliers", image("od-vae"), NodeType.TRANSFORMER, (choose,))
    clean = node("clean", image("clean"), NodeType.TRANSFORMER, (outliers,))
    scale = Scale(low=2, high=2, cpu_percent=70)
    return Model(
        place=place(growth, env),
        name="churn",
        owner="growth-ml@corp.example",
        data="internal",
        protocol=Protocol.SELDON,
        executor=True,
        issuer=CORP,
        audience="ml",
        operations=(
            Operation(
                name="predict",
                methods=("POST",),
                paths=("/api/v1.0/predictions",),
                grpc_paths=("/seldon.protos.Seldon/Predict",),
                port=8000,
                grpc_port=5001,
                prefix="/seldon/growth/churn",
            ),
            Operation(
                name="feedback",
                methods=("POST",),
                paths=("/api/v1.0/feedback",),
                grpc_paths=("/seldon.protos.Seldon/SendFeedback",),
                port=8000,
                grpc_port=5001,
                prefix="/seldon/growth/churn",
            ),
        ),
        predictors=(Predictor(name="main", traffic=100, shadow=False, scale=scale, graph=clean),),
        explainer=None,
        detectors=(Detector(name="drift", run=image("drift-mmd"), runtime=runtime()),),
        log=Log(mode="request", sink=AUDIT),
        grants=(replace(grants("predict", "feedback"), groups=("retention",), clients=("crm-backend",)),),
        missing_pins=(),
    )
