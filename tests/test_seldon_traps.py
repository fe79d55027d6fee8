"""Traps: for each rule an object that is in it, the place, and that its neighbour is not."""

import pytest
import seldon_rows_graph
import seldon_rows_pods
from seldon_changes import Change, changed, sound

from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import TRAPS
from generator.seldon.traps import settings_traps, traps
from generator.seldon.verdict import Path, nearest
from generator.seldon.webhook import verdicts

ROWS = (*seldon_rows_graph.ROWS, *seldon_rows_pods.ROWS)
IDS = [f"{number}-{row[0]}" for number, row in enumerate(ROWS)]


@pytest.mark.parametrize(("rule", "bad", "path", "good"), ROWS, ids=IDS)
def test_a_trap_is_found_at_its_place_and_not_beside_it(rule: str, bad: Change, path: Path, good: Change) -> None:
    found = traps(changed(bad))
    assert (rule, path) in [(verdict.rule, verdict.path) for verdict in found]
    assert rule not in [verdict.rule for verdict in traps(changed(good))]


@pytest.mark.parametrize(("rule", "bad", "path", "good"), ROWS, ids=IDS)
def test_no_webhook_speaks_of_a_trap(rule: str, bad: Change, path: Path, good: Change) -> None:
    assert verdicts(changed(bad)) == ()
    assert nearest(changed(bad), path) == path
    assert rule in {trap.rule for trap in TRAPS}
    assert verdicts(changed(good)) == ()


def test_a_sound_deployment_is_in_no_trap() -> None:
    assert traps(sound()) == ()


def test_every_trap_has_a_row() -> None:
    rows = {row[0] for row in ROWS} | {"operator-error", "tls-mode", "executor-port"}
    assert rows == {trap.rule for trap in TRAPS}
    assert len({trap.rule for trap in TRAPS}) == len(TRAPS)


def test_an_operator_that_gives_up_for_another_reason_is_quoted() -> None:
    settings = OperatorSettings(request_logger_queue_size="many")
    assert [(v.rule, v.message) for v in traps(sound(), settings)] == [
        (
            "operator-error",
            (
                "Failed to parse many as integer for EXECUTOR_REQUEST_LOGGER_WORK_QUEUE_SIZE. "
                'strconv.Atoi: parsing "many": invalid syntax'
            ),
        )
    ]


def test_the_settings_have_traps_of_their_own() -> None:
    assert settings_traps(OperatorSettings()) == ()
    assert settings_traps(OperatorSettings(istio_tls_mode="ISTIO_MUTUAL")) == ()
    strict = OperatorSettings(istio_tls_mode="STRICT", executor_http_port=8001)
    assert [(verdict.rule, verdict.path) for verdict in settings_traps(strict)] == [
        ("tls-mode", ()),
        ("executor-port", ()),
    ]
