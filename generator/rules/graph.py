"""Rules about the inference graph: a tree of nodes that Seldon's executor can walk."""

from collections.abc import Iterator

from generator.diag import quoted
from generator.patch import Spec
from generator.rules.cases import Slot
from generator.rules.each import HERE, each_graph, each_predictor
from generator.rules.rule import Problem, Problems, Rule
from generator.wording import choice

# The CRD of Seldon Core 1.17.1 (Helm chart, operator/config/crd/patches/graph_children.yaml) spells out ten levels of
# children below the root; the API server drops deeper nodes.
DEPTH_MAX = 10
RANDOM_ABTEST = "RANDOM_ABTEST"
ABTEST_CHILDREN = 2  # executor/predictor/components.go
# Nodes that make one answer of several children, or choose one of them.
JOINING = ("COMBINER", "ROUTER")


def children(node: Spec) -> list[str]:
    """Return the names of a node's children."""
    names: list[str] = node.get("children") or []
    return names


def parents(slot: Slot) -> dict[str, str]:
    """Return the first parent of every node that has one."""
    found: dict[str, str] = {}
    for name, node in slot.nodes.items():
        for child in children(node):
            found.setdefault(child, name)
    return found


def kind(node: Spec) -> str:
    """Return a node's type, or its implementation where that stands instead."""
    return str(node.get("implementation") or node.get("type", "MODEL"))


def unknown_nodes(slot: Slot) -> Problems:
    """Find children that are no node of the graph."""
    for name, node in slot.nodes.items():
        for index, child in enumerate(children(node)):
            if child not in slot.nodes:
                what = f"there is no node {quoted(child)}"
                yield slot.mark("nodes", name, "children", index), what, choice(child, slot.nodes)


def two_parents(slot: Slot) -> Problems:
    """Find nodes that are listed as a child twice."""
    first: dict[str, tuple[str | int, ...]] = {}
    for name, node in slot.nodes.items():
        for index, child in enumerate(children(node)):
            path = ("nodes", name, "children", index)
            if child in first:
                what = f"the node {quoted(child)} is a child twice: first at {slot.mark(*first[child])}"
                todo = "let one node list it; write a second node with the same run for the other"
                yield slot.mark(*path), what, todo
            first.setdefault(child, path)


def cycles(slot: Slot) -> Problems:
    """Find nodes that are below themselves."""
    above = parents(slot)
    for name in slot.nodes:
        circle = [name]
        while (parent := above.get(circle[-1], "")) and parent not in circle:
            circle.append(parent)
        if parent == name and name == min(circle, key=list(slot.nodes).index):
            what = f"the nodes go round in a circle: {' → '.join([name, *reversed(circle)])}"
            yield slot.key_mark("nodes", name), what, "take one of these children out: a graph is a tree"


def several_roots(slot: Slot) -> Problems:
    """Find graphs with more than one node that nobody lists."""
    above = parents(slot)
    if any(child not in slot.nodes for child in above):
        return  # a misspelt child, said elsewhere, leaves a node that nobody lists
    roots = [name for name in slot.nodes if name not in above]
    for name in roots[1:]:
        what = f"nobody lists the node {quoted(name)} as a child, and nobody lists {quoted(roots[0])}"
        todo = "list it as a child of another node: a graph has one root"
        yield slot.key_mark("nodes", name), what, todo


def too_deep(slot: Slot) -> Problems:
    """Find nodes more than ten levels below the root."""
    above = parents(slot)
    for name in slot.nodes:
        if _depth(above, name) == DEPTH_MAX + 1:
            what = f"the node {quoted(name)} stands {DEPTH_MAX + 1} levels below the root"
            yield slot.key_mark("nodes", name), what, f"use at most {DEPTH_MAX}: Seldon drops deeper nodes"


def _depth(above: dict[str, str], name: str) -> int:
    depth = 0
    while name in above and depth <= len(above):
        name = above[name]
        depth += 1
    return depth


def child_counts(slot: Slot) -> Problems:
    """Find nodes whose number of children does not fit what they do."""
    for name, node in slot.nodes.items():
        yield from _child_count(slot, name, node)


def _child_count(slot: Slot, name: str, node: Spec) -> Iterator[Problem]:
    count, does = len(children(node)), kind(node)
    mark = slot.mark("nodes", name, "children") if count else slot.key_mark("nodes", name)
    if does == RANDOM_ABTEST:
        if count != ABTEST_CHILDREN:
            what = f"RANDOM_ABTEST chooses between {ABTEST_CHILDREN} children, and {quoted(name)} has {count}"
            yield mark, what, f"list {ABTEST_CHILDREN} children; use type ROUTER with your own image for other numbers"
    elif does in JOINING and not count:
        yield mark, f"the {does} {quoted(name)} has no children", "list the nodes that it stands before"
    elif does not in JOINING and count > 1:
        what = f"the {does} {quoted(name)} has {count} children, and only the answer of the first would be used"
        yield mark, what, "give it type COMBINER or ROUTER, or put the children one below the other"


def typed_abtests(slot: Slot) -> Problems:
    """Find nodes of the executor's own that say more than they may."""
    for name, node in slot.nodes.items():
        if node.get("implementation") != RANDOM_ABTEST:
            continue
        for field in ("type", "run"):
            if field in node:
                what = f"RANDOM_ABTEST is done by Seldon itself, and {quoted(name)} has a {field}"
                yield slot.key_mark("nodes", name, field), what, f"take {field} out"


def nothing_to_run(slot: Slot) -> Problems:
    """Find predictors and nodes that say both, or neither, of run and nodes."""
    if not slot.is_graph and "run" not in slot.spec:
        what = f"nothing says what the predictor {quoted(slot.name)} runs{HERE}"
        mark = slot.key_mark("run") if slot.says("run") else slot.name_mark()
        yield mark, what, 'add run, such as "run: {bento: iris_classifier:1.2.0, source: …}"'
    if slot.is_graph and "run" in slot.spec:
        todo = "keep run for a model of one node, nodes for a graph"
        yield slot.key_mark("run"), f"run and nodes stand side by side{HERE}", todo
    for name, node in slot.nodes.items() if slot.is_graph else ():
        if "run" not in node and node.get("implementation") != RANDOM_ABTEST:
            what = f"nothing says what the node {quoted(name)} runs"
            yield slot.key_mark("nodes", name), what, "add run to the node"


def v2_nodes(slot: Slot) -> Problems:
    """Find nodes that the executor cannot call in protocol v2 by gRPC."""
    for name, node in slot.nodes.items() if slot.case.protocol == "v2" else ():
        if kind(node) != "MODEL":
            field = "implementation" if "implementation" in node else "type"
            what = f"in protocol v2 a node is a MODEL, and {quoted(name)} is a {kind(node)}"
            yield slot.mark("nodes", name, field), what, "write api: {protocol: seldon} for such a graph"


RULES = (
    Rule(
        id="unknown-node",
        title="a child is a node of the same graph",
        why="Seldon would wait for a container that nobody starts.",
        todo="Correct the name, or add the node.",
        example="children: [gbm, nte]",
        find=each_graph(unknown_nodes),
    ),
    Rule(
        id="two-parents",
        title="a node is the child of one node",
        why="Seldon's graph is a tree; a node in two places would be two containers of one name.",
        todo="Write a second node with the same run.",
        example="children: [net]",
        find=each_graph(two_parents),
    ),
    Rule(
        id="graph-cycle",
        title="no node is below itself",
        why="A request would go round for ever.",
        todo="Take one of the children out.",
        example="children: [clean]",
        find=each_graph(cycles),
    ),
    Rule(
        id="several-roots",
        title="a graph has one root",
        why="The root is the node that takes the request, and nobody lists it as a child. A second one would get none.",
        todo="List the node as a child of another, or take it out.",
        example="children: [net]",
        find=each_graph(several_roots),
    ),
    Rule(
        id="graph-too-deep",
        title="a graph has at most ten levels below its root",
        why="The schema of SeldonDeployments ends there: the API server drops what is deeper, and says nothing.",
        todo="Do more in one node.",
        example="children: [n11]",
        find=each_graph(too_deep),
    ),
    Rule(
        id="child-count",
        title="a node has as many children as it can use",
        why="A router or combiner without children does nothing; of several children below any other node Seldon's "
        "executor calls all and returns the answer of the first.",
        todo="Use COMBINER, ROUTER or RANDOM_ABTEST to stand before several children.",
        example="type: TRANSFORMER",
        find=each_graph(child_counts),
    ),
    Rule(
        id="ab-test-node",
        title="a RANDOM_ABTEST has neither type nor run",
        why="The executor does it itself; with a type it would call a container that is not there, and crash.",
        todo="Take type and run out.",
        example="prod: {nodes: {choose: {implementation: RANDOM_ABTEST}}}",
        find=each_graph(typed_abtests),
    ),
    Rule(
        id="run-or-nodes",
        title="a predictor has run or nodes, and every node has run",
        why="Either one container serves, or a graph of them; and each container needs an image.",
        todo="Add what is missing, or take one of the two out.",
        example="dev: {run: null}",
        find=each_predictor(nothing_to_run),
    ),
    Rule(
        id="v2-graph",
        title="a graph of protocol v2 has nodes of type MODEL only",
        why="The executor calls no others by gRPC in that protocol: it would crash (executor/api/grpc/kfserving).",
        todo="Use protocol seldon for graphs with routers, combiners or transformers.",
        example="api: {protocol: v2}",
        find=each_graph(v2_nodes),
    ),
)
