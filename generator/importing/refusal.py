"""What a cluster says of a SeldonDeployment before anything else: the API server, the webhook, and the operator.

Source of the texts: Kubernetes 1.34 with Seldon Core 1.17.1, strict field validation.
"""

from dataclasses import dataclass

from generator.document import Path
from generator.importing.reading import VERSIONS, Original
from generator.importing.structure import SELDON_DEPLOYMENT, Fault, Misfit, Schema, misfits
from generator.seldon.settings import OperatorSettings
from generator.seldon.traps import traps
from generator.seldon.verdict import Outcome
from generator.seldon.webhook import denial, verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a cluster does not take or never serves an object: who says so, its words, and the place in the object."""

    by: str  # API server | webhook | operator
    text: str
    path: Path


def refusal(original: Original, settings: OperatorSettings, schema: Schema | None = None) -> Refusal | None:
    """Return what the cluster objects to first, None if it takes the SeldonDeployment and serves it.

    ``schema``: the structural schema of the CRD; without it, what gen itself knows of it.
    """
    version = str(original.data.get("apiVersion") or "").rpartition("/")[2]
    if version not in VERSIONS:
        text = f'no matches for kind "SeldonDeployment" in version "{original.data.get("apiVersion")}"'
        return Refusal(by="API server", text=text, path=("apiVersion",))
    if not original.name:
        return Refusal(by="API server", text="resource name may not be empty", path=("metadata",))
    found = list(misfits(schema or SELDON_DEPLOYMENT, original.data))
    if found:
        return _structural(original, version, found)
    said = verdicts(original.data, settings)
    if said:
        return Refusal(by="webhook", text=f"422 Invalid: {denial(original.data, settings)}", path=said[0].path)
    return _failing(original, settings)


def _structural(original: Original, version: str, found: list[Misfit]) -> Refusal:
    unknown = sorted((one for one in found if one.fault is Fault.UNKNOWN), key=lambda one: one.place)
    if unknown:
        fields = ", ".join(f'unknown field "{one.place}"' for one in unknown)
        text = (
            f'400 BadRequest: SeldonDeployment in version "{version}" cannot be handled as a SeldonDeployment: '
            f"strict decoding error: {fields}"
        )
        return Refusal(by="API server", text=text, path=unknown[0].path)
    lines = list(dict.fromkeys(_invalid(one) for one in found))
    listed = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    text = f'422 Invalid: SeldonDeployment.machinelearning.seldon.io "{original.name}" is invalid: {listed}'
    return Refusal(by="API server", text=text, path=found[0].path)


def _invalid(misfit: Misfit) -> str:
    if misfit.fault is Fault.MISSING:
        return f"{misfit.place}: Required value"
    told = f'{misfit.place} in body must be of type {misfit.wanted}: "{misfit.found}"'
    return f'{misfit.place}: Invalid value: "{misfit.found}": {told}'


def _failing(original: Original, settings: OperatorSettings) -> Refusal | None:
    fatal = (Outcome.REFUSED, Outcome.FAILED)
    found = next((one for one in traps(original.data, settings) if one.outcome in fatal), None)
    if found is None:
        return None
    by = "API server" if found.outcome is Outcome.REFUSED else "operator"
    return Refusal(by=by, text=f"{found.message}: {found.consequence}", path=found.path)
