"""How paths end up and what matches them, held against a real Envoy."""

from random import Random

import pytest
from access_mesh import guarded, policy

from generator.access import PathNormalization, Request, Settings, Workload, judge
from generator.access.client import Ask, ask
from generator.access.envoy import http_listener
from generator.access.harness import running
from generator.access.paths import normalize

WORKLOAD = Workload(namespace="team-a", name="fraud", labels={"app": "fraud"})
TAILS = (
    *("/%a%41%2E", "/%%41%41", "/%%41B", "/%4%31", "/%%30%30", "/%4%3", "/%%4", "/%%%41%41", "/%/../%41%41"),
    *("", "/", "//", "///", "/.", "/..", "/./", "/../", "/...", "/.a", "/a.", "/a..", "/..a", "/a/../../b", "/a//../b"),
    *(
        "/%2e",
        "/%2E%2e/b",
        "/.%2e/b",
        "/%2e./b",
        "/%2",
        "/%",
        "/%zz",
        "/%41%7a%30%2d%5f%7e",
        "/%20%21%2B%40",
        "/%2f%2F",
        "/%5c",
    ),
    *(
        "/a\\b",
        "/a/..\\b",
        "/\\..\\b",
        '/<>"`{}',
        "/|^[]",
        "/a;b=c",
        "/a:b@c",
        "/a,b'(c)*!$&+=",
        "/~-_",
        "/%c3%a9",
        "/%00",
    ),
    *(
        "?a=/../b",
        "/a?b#c",
        "/#",
        "/a/%2e%2e%2fb",
        "/a%2f..%2fb",
        "/a%5c..%5cb",
        "/..;x/b",
        "/..%3bx/b",
        "/%252e/b",
        "/%25",
    ),
)


@pytest.mark.parametrize("mode", PathNormalization)
def test_a_path_is_normalised_as_envoy_does(mode: PathNormalization) -> None:
    guard_ = guarded("", WORKLOAD, settings=Settings(path_normalization=mode))
    paths = [root + tail for root in ("/api", "/") for tail in TAILS]
    with running([http_listener("paths", guard_, None)]) as envoy:
        answers = ask(envoy, [Ask(listener="paths", request=Request(authority="x", path=each)) for each in paths], {})
    made = {path: normalize(path, mode) or "" for path in paths}
    assert made == {path: answer.path for path, answer in zip(paths, answers, strict=True)}


PIECES = (
    *(
        "/",
        "/",
        "/",
        "//",
        ".",
        "..",
        "...",
        ";",
        ";x",
        "%2e",
        "%2E",
        "%2f",
        "%2F",
        "%5c",
        "\\\\",
        "a",
        "b",
        "A",
        "%41",
        "%c3",
    ),
    *(
        "%",
        "%z",
        "|",
        "^",
        "~",
        "[",
        "]",
        "{",
        "}",
        "<",
        '"',
        "`",
        "'",
        "(",
        "*",
        "!",
        "$",
        "&",
        "+",
        ",",
        "=",
        ":",
        "@",
        "%25",
    ),
    *("-", "_", "%3b", "%00", "?", "??", "#"),
)
TEMPLATES = (
    "/a/{*}",
    "/{*}/b",
    "/a/{**}",
    "/{**}",
    "/{**}/b",
    "/{*}/{*}",
    "/a/*",
    "*/b",
    "*",
    "/a/b",
    "/a.b/{*}",
    "/a/{*}/{**}",
)


def random_paths(rng: Random, count: int) -> list[str]:
    return ["/" + "".join(rng.choices(PIECES, k=rng.randrange(9))) for _ in range(count)]


def compare_paths(rng: Random, count: int) -> list[str]:
    """Return where the evaluator and Envoy differ over random paths: how they end up, and what matches them."""
    modes = [(mode, "") for mode in PathNormalization]
    templates = [(PathNormalization.BASE, policy([{"to": [{"operation": {"paths": [each]}}]}])) for each in TEMPLATES]
    guards = [guarded(text, WORKLOAD, settings=Settings(path_normalization=mode)) for mode, text in modes + templates]
    asks = [
        Ask(listener=f"paths{index}", request=Request(authority="x", path=path))
        for index in range(len(guards))
        for path in random_paths(rng, count)
    ]
    with running([http_listener(f"paths{index}", each, None) for index, each in enumerate(guards)]) as envoy:
        answers = ask(envoy, asks, {})
    differing = []
    for each, answer in zip(asks, answers, strict=True):
        guard_ = guards[int(each.listener.removeprefix("paths"))]
        path = normalize(each.request.path, guard_.settings.path_normalization) or ""
        if judge(guard_, each.request).code != answer.code or answer.path not in ("", path):
            differing.append(f"{each.request.path} is {path} for {guard_.policies}, Envoy says {answer}")
    return differing


def test_random_paths_end_up_and_match_as_in_envoy() -> None:
    assert compare_paths(Random(5), 100) == []  # noqa: S311  repeatable, not secret


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_random_paths_end_up_and_match_as_in_envoy(seed: int) -> None:
    assert compare_paths(Random(1000 + seed), 500) == []  # noqa: S311  repeatable, not secret
