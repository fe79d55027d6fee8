"""Render the example tenants, prove the trees, and say in one screen what came of it: `make demo`."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from generator.pipeline import generate
from generator.verify import environment_of

ROOT = Path(__file__).parent
GEN = [sys.executable, "-m", "generator", "-C", str(ROOT)]


def run(*words: str) -> None:
    """Run gen and show the command."""
    print(f"\n$ gen {' '.join(words)}", flush=True)
    done = subprocess.run([*GEN, *words], check=False)  # noqa: S603  # our own command
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Render, verify, sum up."""
    run("render", "--quiet")
    run("verify")
    made = generate(ROOT, datetime.now(UTC).date())
    environments = [environment.name for environment in made.platform.environments]
    counts = {
        (overlay.folder.split("/")[2], overlay.folder.split("/")[4], environment_of(overlay.folder)): len(
            overlay.objects
        )
        for overlay in made.overlays
        if overlay.folder.split("/")[3:4] == ["models"] and overlay.folder.count("/") > 3  # noqa: PLR2004  # one model
    }
    print(f"\nWhat was rendered: {len(made.files)} files; objects per model and environment\n")
    print(f"  {'model':24}" + "".join(f"{name:>10}" for name in environments))
    for tenant, model in dict.fromkeys((tenant, model) for tenant, model, _ in counts):
        row = "".join(f"{counts.get((tenant, model, name), '-'):>10}" for name in environments)
        print(f"  {f'{tenant}/{model}':24}{row}")
    walls = Counter(environment_of(o.folder) for o in made.overlays if o.folder.endswith("/namespace"))
    print(f"  and the walls of {sum(walls.values())} namespaces, {len(environments)} gateways, one Argo CD hub")
    print(PROMISES)


PROMISES = """
What it promises, whoever edits tenants/
  - a request without a valid token of the platform's issuer and the model's audience is refused
  - of those that have one, only the users, groups, clients and workloads that a spec names get in
  - every hop is mTLS; every namespace starts from default deny, in the mesh and in the network
  - an environment that wants pins runs digests only; a model without one is not deployed there, and is named

What to try next
  gen new model example-model/lily                               asks what serves and who may call it
  gen validate && gen render && git diff --stat                  what a pull request would show
  gen access --as alice@corp.example                             what she may call, and by which line
  gen show dev example-model/lily --kind AuthorizationPolicy     the same as Istio reads it
  gen explain model.access                                       what a grant may say
  (gen is .venv/bin/gen here; `source .venv/bin/activate` puts it on your PATH)
"""

if __name__ == "__main__":
    main()
