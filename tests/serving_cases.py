"""Models for the tests of what serves: the three of build_fixtures and every other shape that a graph can have."""

from dataclasses import replace

import build_fixtures as fixtures

from generator.model import Model, Node, NodeType, Predictor, Protocol, Run, Secret, Toleration, Volume

LOADER = f"registry.local/tools/rclone@sha256:{'5' * 64}"


def models() -> dict[str, Model]:
    """Return every case by name."""
    sklearn = fixtures.server_run("SKLEARN_SERVER", "s3://models/iris")
    sklearn = replace(sklearn, live="/v2/health/live", ready="/v2/health/ready")
    tensorflow = fixtures.server_run("TENSORFLOW_SERVER", "s3://models/mnist")
    return {
        "iris": fixtures.iris(),
        "fraud": fixtures.fraud(),
        "churn": fixtures.churn(),
        "base": base(fixtures.iris()),
        "placed": placed(),
        "shadow": shadow(),
        "abtest": abtest(),
        "no-engine-canary": no_engine_canary(),
        "seldon-explainer": seldon_explainer(),
        "server-v2": served(sklearn, Protocol.V2),
        "server-v2-executor": served(sklearn, Protocol.V2, executor=True),
        "server-seldon": served(sklearn, Protocol.SELDON, executor=True),
        "server-claim": served(replace(sklearn, model_uri="pvc://models/iris/1"), Protocol.V2),
        "server-no-model": served(fixtures.server_run("HUGGINGFACE_SERVER", ""), Protocol.V2),
        "server-tensorflow": served(tensorflow, Protocol.TENSORFLOW),
        "server-triton": served(fixtures.server_run("TRITON_SERVER", "s3://models/net"), Protocol.V2),
        "proxied-tensorflow": served(tensorflow, Protocol.SELDON, executor=True),
    }


def base(model: Model) -> Model:
    """Return the model in no environment: what the base is made of."""
    place = model.place
    return replace(model, place=replace(place, environment=replace(place.environment, name=""), host=""))


def with_root(model: Model, root: Node, **changes: object) -> Model:
    """Return the model with another graph in its first predictor, and more of it changed."""
    predictors = (replace(model.predictors[0], graph=root), *model.predictors[1:])
    return replace(model, predictors=predictors, **changes)  # type: ignore[arg-type]  # the fields are a Model's


def served(run: Run, protocol: Protocol, *, executor: bool = False) -> Model:
    """Return a model that a stock server serves, with a variable of its own and one of the store's."""
    runtime = fixtures.runtime(
        env=(("LOG_LEVEL", "info"), ("RCLONE_CONFIG_S3_TYPE", "s3")),
        secrets=(Secret(variable="RCLONE_CONFIG_S3_SECRET_ACCESS_KEY", secret="store", key="secret"),),  # noqa: S106
    )
    root = replace(fixtures.node("iris", run), runtime=runtime)
    operations = tuple(replace(one, port=8000 if executor else run.port) for one in fixtures.iris().operations)
    made = with_root(fixtures.iris(), root, protocol=protocol, executor=executor, operations=operations)
    build = made.place.platform.build
    tools = replace(build, images=(*build.images, ("storage", LOADER)))
    return replace(made, place=replace(made.place, platform=replace(made.place.platform, build=tools)))


def placed() -> Model:
    """Return iris with a GPU, volumes of each kind, a node selector and tolerations."""
    runtime = fixtures.runtime(
        gpu=2,
        volumes=(
            Volume(name="data", path="/data", kind="claim", source="lookup", read_only=True),
            Volume(name="settings", path="/settings", kind="configMap", source="iris-settings", read_only=False),
            Volume(name="keys", path="/keys", kind="secret", source="iris-keys", read_only=True),
            Volume(name="scratch", path="/scratch", kind="empty", source="5Gi", read_only=False),
        ),
        node_selector=(("accelerator", "a100"),),
        tolerations=(
            Toleration(key="gpu", value="", effect="NoSchedule"),
            Toleration(key="team", value="ml", effect=""),
        ),
    )
    return with_root(fixtures.iris(), replace(fixtures.iris().predictors[0].graph, runtime=runtime))


def shadow() -> Model:
    """Return fraud with all traffic on one predictor and a tenth of it mirrored to the other, without explainer."""
    main, other = fixtures.fraud().predictors
    mirrored = replace(other, traffic=10, shadow=True)
    return replace(fixtures.fraud(), predictors=(replace(main, traffic=100), mirrored), explainer=None)


def abtest() -> Model:
    """Return churn with the executor itself as root, which splits requests between two models."""
    run = fixtures.image_run(f"registry.local/growth/a@sha256:{'d' * 64}")
    children = (fixtures.node("a", run), fixtures.node("b", run))
    root = replace(
        fixtures.node("split", None, NodeType.ROUTER, children),
        implementation="RANDOM_ABTEST",
        parameters=(("ratioA", "0.5", "FLOAT"),),
    )
    return with_root(fixtures.churn(), root)


def no_engine_canary() -> Model:
    """Return iris with a canary before it."""
    main = fixtures.iris().predictors[0]
    canary = replace(main, name="canary", traffic=5)
    return replace(fixtures.iris(), predictors=(canary, replace(main, traffic=95)))


def seldon_explainer() -> Model:
    """Return fraud in protocol seldon, with an explainer that is given variables."""
    explainer = fixtures.fraud().explainer
    assert explainer is not None
    given = replace(explainer, runtime=fixtures.runtime(env=(("LOG_LEVEL", "info"),)))
    return replace(fixtures.fraud(), protocol=Protocol.SELDON, explainer=given)


def predictor(model: Model, name: str) -> Predictor:
    """Return the predictor of that name."""
    return next(one for one in model.predictors if one.name == name)
