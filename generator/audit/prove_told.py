"""A proof in words: for a terminal, for a program, and as one page of HTML."""

import json
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from generator.audit import statement
from generator.audit.html import STYLE
from generator.audit.prove import Failure, Proof
from generator.audit.statement import Statement

SHOWN = 5  # failures of one model in a text: more of them say nothing new
GAPS = 10
FIRED = ("granted", "refused", "undecided")


def text(proofs: Iterable[Proof]) -> str:
    """Return everything for a terminal: what differs with a command to replay it, then what was fired."""
    found = tuple(proofs)
    return "\n".join(
        [line for proof in found for line in (*_failures(proof), *_problems(proof))] + list(_summary(found))
    )


def as_json(proofs: Iterable[Proof]) -> str:
    """Return everything as JSON."""
    return json.dumps([_plain(proof) for proof in proofs], indent=2, ensure_ascii=False)


def html(proofs: Iterable[Proof]) -> str:
    """Return everything as a page that needs nothing else."""
    found = tuple(proofs)
    green = all(proof.is_green for proof in found)
    word = "Proved: every answer is the evaluator's, and what the specs grant." if green else "Not proved."
    rows = "".join(_rows(found))
    parts = "".join(_section(proof) for proof in found)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("environment", "model", *FIRED, "wrong"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>gen access prove</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f'<body><h1>gen access prove</h1><p class="verdict{"" if green else " wrong"}">{escape(word)}</p>\n'
        f'<div class="frame"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>\n'
        f"{parts}</body></html>\n"
    )


def _failures(proof: Proof) -> Iterator[str]:
    for name, failures in _by_model(proof.failures).items():
        for failure in failures[:SHOWN]:
            yield from _failure(name, failure)
        if len(failures) > SHOWN:
            yield f"{proof.environment} {name}: {len(failures) - SHOWN} more; --format json has them all"
            yield ""


def _failure(name: str, failure: Failure) -> Iterator[str]:
    outcome, case = failure.outcome, failure.outcome.case
    verdict = outcome.decision.trails[-1].verdict
    rule = f" by {verdict.rule}" if verdict.rule else ""
    yield f"{failure.environment} {name}: {failure.what}"
    yield f"  {case.who}, {case.what}: {case.request.method} {case.request.path[:200]} ({case.door})"
    said = f"{outcome.decision.code}, {verdict.reason}{rule}"
    yield f"  specs: {granted(case.granted)}; evaluator: {said}; Envoy: {outcome.code}"
    if failure.curl:
        yield f"  {failure.curl}"
    yield ""


def granted(said: bool | None) -> str:  # noqa: FBT001  # the value that is put into words
    """Return what the specs say, in a word."""
    return "say nothing" if said is None else "grant" if said else "refuse"


def _problems(proof: Proof) -> Iterator[str]:
    for problem in proof.problems:
        yield f"{proof.environment}: {problem}"
    gaps = dict.fromkeys(f"{gap.what}{f' ({gap.case})' if gap.case else ''}" for gap in proof.gaps)
    for gap in list(gaps)[:GAPS]:
        yield f"{proof.environment}: access log: {gap}"
    if len(gaps) > GAPS:
        yield f"{proof.environment}: access log: {len(gaps) - GAPS} more"
    for name in proof.left_out:
        yield f"{proof.environment} {name}: not proved, the time is over\n  give more by --seconds"


def _summary(proofs: Sequence[Proof]) -> Iterator[str]:
    for proof in proofs:
        totals = {name: sum(numbers[name] for numbers in proof.counts.values()) for name in FIRED}
        yield (
            f"{sum(totals.values()):7} requests in {proof.environment}: {totals['granted']} that the specs grant, "
            f"{totals['refused']} that they refuse, {totals['undecided']} of which they say nothing"
        )
        for folder in proof.folders if proof.failures else ():
            yield f"        to replay: sh {folder}/start.sh, then the lines of {folder}/replay.sh"
    yield from statement.told(each for proof in proofs for each in proof.statements)
    for remark in dict.fromkeys(remark for proof in proofs for remark in proof.remarks):
        yield f"remark: {remark}"
    for said in dict.fromkeys(said for proof in proofs for said in proof.keys):
        yield f"throw-away keys, same issuer and key id: {said}"


def _plain(proof: Proof) -> dict[str, Any]:
    return {
        "environment": proof.environment,
        "proved": proof.is_green,
        "requests": proof.counts,
        "failures": [plain_failure(each) for each in proof.failures],
        "accessLog": [gap.what for gap in proof.gaps],
        "problems": list(proof.problems),
        "leftOut": list(proof.left_out),
        "remarks": list(proof.remarks),
        "throwAwayKeys": list(proof.keys),
        "seconds": round(proof.seconds, 1),
        "folders": [str(folder) for folder in proof.folders],
        "statements": [_said(each) for each in proof.statements],
    }


def _said(one: Statement) -> dict[str, str]:
    return {"subject": one.subject, "what": one.what, "word": str(one.word), "why": one.why}


def plain_failure(failure: Failure) -> dict[str, Any]:
    """Return a failure as plain data."""
    outcome, request = failure.outcome, failure.outcome.case.request
    verdict = outcome.decision.trails[-1].verdict
    return {
        "model": failure.model,
        "what": failure.what,
        "case": outcome.case.what,
        "who": outcome.case.who,
        "door": outcome.case.door,
        "to": outcome.case.to,
        "method": request.method,
        "path": request.path,
        "port": request.port,
        "granted": outcome.case.granted,
        "evaluator": outcome.decision.code,
        "reason": str(verdict.reason),
        "rule": str(verdict.rule or ""),
        "envoy": outcome.code,
        "details": outcome.details,
        "curl": failure.curl,
    }


def _by_model(failures: Iterable[Failure]) -> dict[str, list[Failure]]:
    found: dict[str, list[Failure]] = {}
    for each in failures:
        found.setdefault(each.model or "pods that no spec knows", []).append(each)
    return found


def _rows(proofs: Iterable[Proof]) -> Iterator[str]:
    for proof in proofs:
        wrong = _by_model(proof.failures)
        for name, numbers in proof.counts.items():
            title = name or "pods that no spec knows"
            bad = len(wrong.get(title, ()))
            cells = "".join(f"<td>{numbers[kind]}</td>" for kind in FIRED)
            mark = f'<span class="bad">{bad}</span>' if bad else '<span class="yes">0</span>'
            yield f"<tr><td>{escape(proof.environment)}</td><td>{escape(title)}</td>{cells}<td>{mark}</td></tr>\n"


def _section(proof: Proof) -> str:
    lines = [*_failures(proof), *_problems(proof), *_summary((proof,))]
    return f"<h2>{escape(proof.environment)}</h2><pre>{escape(chr(10).join(lines))}</pre>\n"
