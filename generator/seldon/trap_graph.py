"""Traps in the graph: words nobody checks, nodes nobody calls, servers without an image.

Source: Seldon Core 1.17.1, operator/apis/machinelearning.seldon.io/v1/seldondeployment_types.go (the words),
operator/controllers/, executor/predictor/predictor_process.go and components.go (what is called).
"""

from generator.seldon.objects import V2_PROTOCOLS, Object, container_of, is_prepackaged, node_named
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import Finds, Found
from generator.seldon.verdict import Path, component_containers, graph_nodes, predictors

TYPES = ("UNKNOWN_TYPE", "ROUTER", "COMBINER", "MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER")
METHODS = ("TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "ROUTE", "AGGREGATE", "SEND_FEEDBACK")
PARAMETER_TYPES = ("INT", "FLOAT", "DOUBLE", "STRING", "BOOL")
ENDPOINT_TYPES = ("REST", "GRPC")
LOGGER_MODES = ("all", "request", "response")
NOT_IMPLEMENTED = ("SIMPLE_MODEL", "SIMPLE_ROUTER", "AVERAGE_COMBINER")  # known to the old Java engine only
CHILD_LEVELS_MAX = 10  # the Helm chart's CRD unrolls `children` ten times
BRANCHES = 2
OVERWRITTEN = ("service_host", "service_port", "httpPort", "grpcPort")


def words(deployment: Object, _: OperatorSettings) -> Finds:
    """Find misspelt words: the CRD has no enum."""
    for path, predictor in predictors(deployment):
        for place, node in graph_nodes(predictor, path):
            for rule, key, word, allowed in _words(node):
                if word not in allowed:
                    yield Found(rule, (*place, *key), f'"{word}" is none of {", ".join(allowed)}')


def _words(node: Object) -> list[tuple[str, Path, str, tuple[str, ...]]]:
    found: list[tuple[str, Path, str, tuple[str, ...]]] = []
    if node.get("type"):
        found.append(("unknown-type", ("type",), node["type"], TYPES))
    for index, method in enumerate(node.get("methods") or ()):
        found.append(("unknown-method", ("methods", index), method, METHODS))
    for index, parameter in enumerate(node.get("parameters") or ()):
        place: Path = ("parameters", index, "type")
        found.append(("unknown-parameter-type", place, parameter.get("type", ""), PARAMETER_TYPES))
    kind = (node.get("endpoint") or {}).get("type")
    if kind:
        found.append(("unknown-endpoint-type", ("endpoint", "type"), kind, ENDPOINT_TYPES))
    mode = (node.get("logger") or {}).get("mode")
    if mode:
        found.append(("unknown-logger-mode", ("logger", "mode"), mode, LOGGER_MODES))
    return found


def shape(deployment: Object, _: OperatorSettings) -> Finds:
    """Find graphs of the wrong shape: names twice, too deep, branches that lead nowhere."""
    for path, predictor in predictors(deployment):
        seen = []
        for place, node in graph_nodes(predictor, path):
            if node["name"] in seen:
                yield Found("duplicate-node", (*place, "name"), f'a second node is named "{node["name"]}"')
            seen.append(node["name"])
            if place.count("children") == CHILD_LEVELS_MAX + 1:
                yield Found("graph-too-deep", place, f'"{node["name"]}" lies on the eleventh level of children')
            yield from _branches(node, place)


def _branches(node: Object, path: Path) -> Finds:
    children, kind, methods = node.get("children") or (), node.get("type"), node.get("methods") or ()
    abtest = node.get("implementation") == "RANDOM_ABTEST"
    joins = kind in ("ROUTER", "COMBINER") or abtest or "ROUTE" in methods or "AGGREGATE" in methods
    if len(children) > 1 and not joins:
        text = f'"{node["name"]}" has {len(children)} children and neither routes nor combines'
        yield Found("children-ignored", (*path, "children"), text)
    if kind in ("ROUTER", "COMBINER") and not children:
        yield Found("no-branches", path, f'"{node["name"]}" is a {kind} without children')
    if abtest:
        yield from _abtest(node, path)


def _abtest(node: Object, path: Path) -> Finds:
    parameters = node.get("parameters") or ()
    if node.get("type") not in (None, "UNKNOWN_TYPE"):
        yield Found("abtest-typed", (*path, "type"), f'a RANDOM_ABTEST with type "{node["type"]}"')
    if [parameter["name"] for parameter in parameters] not in ([], ["ratioA"]):
        yield Found("abtest-ratio", (*path, "parameters"), "a RANDOM_ABTEST with other parameters than ratioA")
    if len(node.get("children") or ()) != BRANCHES:
        text = f"a RANDOM_ABTEST with {len(node.get('children') or ())} children"
        yield Found("abtest-branches", path, text)


def sidecars(deployment: Object, _: OperatorSettings) -> Finds:
    """Find containers that belong to no node; a misspelt name looks the same."""
    for path, predictor in predictors(deployment):
        for place, container in component_containers(predictor, path):
            if node_named(predictor["graph"], container["name"]) is None:
                text = f'no node is named "{container["name"]}"'
                yield Found("unbound-container", (*place, "name"), text)


def binding(deployment: Object, settings: OperatorSettings) -> Finds:
    """Find nodes whose container, server, account or address is not what it seems."""
    for path, predictor in predictors(deployment):
        for place, node in graph_nodes(predictor, path):
            yield from _server(deployment, predictor, (place, node), settings)
            yield from _ignored(deployment, predictor, (place, node))


def _server(deployment: Object, predictor: Object, at: tuple[Path, Object], settings: OperatorSettings) -> Finds:
    place, node = at
    implementation = node.get("implementation") or ""
    if implementation in NOT_IMPLEMENTED:
        text = f"{implementation} is known to the operator, not to the executor"
        yield Found("not-implemented", (*place, "implementation"), text)
    if implementation == "UNKNOWN_IMPLEMENTATION" and not node.get("type") and not node.get("methods"):
        yield Found("untyped-node", place, f'"{node["name"]}" has an implementation and no type')
    found = container_of(predictor, node["name"])
    if not is_prepackaged(node):
        if node.get("modelUri") and found is None:
            text = f'"{node["name"]}" has a modelUri and no container'
            yield Found("model-uri-without-container", (*place, "modelUri"), text)
        return
    server = settings.server(implementation)
    if server is None:
        yield Found("unknown-implementation", (*place, "implementation"), f'"{implementation}" is no server')
        return
    protocol = deployment["spec"].get("protocol") or ""
    # The TensorFlow proxy's image is overwritten, every other only filled in.
    given = found is not None and found[1].get("image")
    kept = given and (implementation != "TENSORFLOW_SERVER" or protocol == "tensorflow")
    if not kept and not server.image(protocol):
        text = f'{implementation} does not speak "{protocol or "seldon"}"'
        yield Found("server-protocol", (*place, "implementation"), text)


def _ignored(deployment: Object, predictor: Object, at: tuple[Path, Object]) -> Finds:
    place, node = at
    endpoint = node.get("endpoint") or {}
    bound = is_prepackaged(node) or container_of(predictor, node["name"]) is not None
    for key in OVERWRITTEN:
        if bound and key in endpoint:
            yield Found("endpoint-overwritten", (*place, "endpoint", key), f"{key} is set by the operator")
    if node.get("serviceAccountName") and not is_prepackaged(node):
        text = f'"{node["name"]}" is no stock server'
        yield Found("service-account-ignored", (*place, "serviceAccountName"), text)
    spec = deployment["spec"]
    grpc = spec.get("transport") == "grpc" or endpoint.get("type") == "GRPC"
    if grpc and spec.get("protocol") in V2_PROTOCOLS and node.get("type") not in (None, "MODEL", "UNKNOWN_TYPE"):
        yield Found("v2-grpc-node", (*place, "type"), f"a {node['type']} over gRPC in a graph that speaks v2")


RULES = (words, shape, binding, sidecars)
