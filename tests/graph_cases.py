"""Every shape that the serving of a model can have and that Seldon takes, as specs."""

from graphs import Spec, bento, image

ACCESS = [{"users": ["a@corp.example"], "can": ["predict"]}]
TREE: Spec = {
    "clean": {"type": "TRANSFORMER", "children": ["choose"], "run": image("clean")},
    "choose": {"type": "ROUTER", "children": ["one", "two"], "parameters": {"n_branches": 2}, "run": image("mab")},
    "one": {"run": image("one")},
    "two": {"type": "MODEL", "run": image("two", port=9100)},
}
CRON = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "4"}
EXPLAINERS = (
    "AnchorTabular",
    "AnchorImages",
    "AnchorText",
    "Counterfactuals",
    "Contrastive",
    "KernelShap",
    "IntegratedGradients",
    "ALE",
    "TreeShap",
)
SERVERS = {
    "SKLEARN_SERVER": ("seldon", "v2"),
    "XGBOOST_SERVER": ("seldon", "v2"),
    "MLFLOW_SERVER": ("seldon", "v2"),
    "TENSORFLOW_SERVER": ("seldon", "tensorflow"),
    "TRITON_SERVER": ("v2",),
    "HUGGINGFACE_SERVER": ("v2",),
}


def _with(**more: object) -> Spec:
    return {"access": ACCESS, **more}


def _seldon(nodes: Spec, **more: object) -> Spec:
    return _with(api={"protocol": "seldon"}, nodes=nodes, **more)


def _two(**predictors: Spec) -> Spec:
    return _with(run=bento(), predictors=predictors)


NODES: dict[str, Spec] = {
    "one model": _seldon({"m": {"run": image()}}),
    "transformer": _seldon({"t": {"type": "TRANSFORMER", "children": ["m"], "run": image()}, "m": {"run": image()}}),
    "output transformer": _seldon(
        {"t": {"type": "OUTPUT_TRANSFORMER", "children": ["m"], "run": image()}, "m": {"run": image()}}
    ),
    "router": _seldon(
        {"r": {"type": "ROUTER", "children": ["m", "n"], "run": image()}, "m": {"run": image()}, "n": {"run": image()}}
    ),
    "combiner": _seldon(
        {
            "c": {"type": "COMBINER", "children": ["m", "n"], "run": image()},
            "m": {"run": image()},
            "n": {"run": image()},
        }
    ),
    "chain": _seldon({"m": {"children": ["n"], "run": image()}, "n": {"run": image()}}),
    "random split": _seldon(
        {
            "s": {"implementation": "RANDOM_ABTEST", "children": ["m", "n"], "parameters": {"ratioA": 0.9}},
            "m": {"run": image()},
            "n": {"run": image()},
        }
    ),
    "random split of halves": _seldon(
        {"s": {"implementation": "RANDOM_ABTEST", "children": ["m", "n"]}, "m": {"run": image()}, "n": {"run": image()}}
    ),
    "tree of four": _seldon(TREE),
    "ten levels": _seldon(
        {f"n{i}": {**({"children": [f"n{i + 1}"]} if i < 10 else {}), "run": image()} for i in range(11)}
    ),
    "detector in the graph": _seldon(
        {"outliers": {"type": "TRANSFORMER", "children": ["m"], "run": image("od")}, "m": {"run": image()}}
    ),
    "chain of v2": _with(
        api={"protocol": "v2"}, nodes={"m": {"children": ["n"], "run": image()}, "n": {"run": image(grpcPort=9700)}}
    ),
    "graph of tensorflow": _with(
        api={"protocol": "tensorflow"},
        nodes={
            "t": {"type": "TRANSFORMER", "children": ["m"], "run": image()},
            "m": {"run": {"server": "TENSORFLOW_SERVER", "modelUri": "s3://models/m"}},
        },
    ),
}
PREDICTORS: dict[str, Spec] = {
    "one predictor that says all": _two(main={"traffic": 100}),
    "canary": _two(main={"traffic": 90}, canary={"traffic": 10, "run": image(port=3000, user=1034)}),
    "three": _two(main={"traffic": 50}, canary={"traffic": 30}, third={"traffic": 20}),
    "blue and green": _two(blue={"traffic": 100}, green={"traffic": 0}),
    "shadow of all": _two(main={}, mirror={"shadow": True}),
    "shadow of some": _two(main={"traffic": 60}, canary={"traffic": 40}, mirror={"shadow": True, "traffic": 5}),
    "another graph beside": _seldon(
        {"m": {"run": image()}},
        predictors={
            "main": {"traffic": 80},
            "canary": {"traffic": 20, "nodes": {"m": {"children": ["n"]}, "n": {"run": image()}}},
        },
    ),
    "other ports beside": _with(
        api={"protocol": "v2"},
        run=image(port=8080, grpcPort=8081),
        predictors={"main": {"traffic": 50}, "canary": {"traffic": 50, "run": image(port=8090)}},
    ),
}
AROUND: dict[str, Spec] = {
    "logged by http": _with(api={"protocol": "v2"}, run=bento(), log={"mode": "request", "sink": "audit"}),
    "logged to kafka": _with(api={"protocol": "seldon"}, run=bento(), log={"mode": "all", "sink": "lake"}),
    "detectors": _with(
        api={"protocol": "seldon"},
        run=bento(),
        log={"mode": "response", "sink": "audit"},
        detectors={"drift": {"run": image("drift")}, "outliers": {"run": image("od", port=8080)}},
    ),
    "autoscaled": _with(run=bento(), runtime={"replicas": {"min": 1, "max": 5}}),
    "autoscaled graph": _seldon(TREE, runtime={"replicas": {"min": 2, "max": 5}}),
    "by triggers": _with(
        run=bento(), runtime={"replicas": {"min": 1, "max": 5, "triggers": [{"type": "cron", "metadata": CRON}]}}
    ),
    "budgeted": _seldon(TREE, runtime={"replicas": {"min": 3}}),
    "placed": _with(
        run=bento(),
        runtime={
            "gpu": 1,
            "env": {"A": "b"},
            "secrets": {"C": {"secret": "s", "key": "k"}},
            "volumes": {"data": {"path": "/data", "claim": "features"}, "cache": {"path": "/cache", "empty": "1Gi"}},
            "placement": {
                "nodeSelector": {"gpu": "a100"},
                "tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
            },
        },
    ),
    "old bento": _with(run=image(port=5000, user=1034, probes={"live": "/healthz", "ready": "/healthz"})),
    "grpc of an image": _with(api={"protocol": "v2"}, run=image(port=8080, grpcPort=8081)),
    "inside the mesh": {"run": bento(), "access": [{"workloads": ["orders/checkout"]}]},
    "nobody": {"run": bento()},
}
STOCK: dict[str, Spec] = {
    f"{server} {protocol}{' logged' if logged else ''}": _with(
        api={"protocol": protocol},
        run={"server": server, "modelUri": "s3://models/m"},
        **({"log": {"mode": "all", "sink": "audit"}} if logged else {}),
    )
    for server, protocols in SERVERS.items()
    for protocol in protocols
    for logged in (False, True)
}
EXPLAINED: dict[str, Spec] = {
    f"{kind} {protocol}{' logged' if logged else ''}": {
        "api": {"protocol": protocol},
        "run": image("m") if protocol == "tensorflow" else bento(),
        "explainer": {"type": kind, "run": image("explainer")},
        "access": [{"users": ["a@corp.example"], "can": ["predict", "explain"]}],
        **({"log": {"mode": "all", "sink": "audit"}} if logged else {}),
    }
    for kind in EXPLAINERS
    for protocol, logged in (
        ("seldon", False),
        ("v2", False),
        ("v2", True),
        ("tensorflow", False),
        ("tensorflow", True),
    )
}
GOOD = {**NODES, **PREDICTORS, **AROUND, **STOCK, **EXPLAINED}
