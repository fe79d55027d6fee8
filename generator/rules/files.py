"""Rules about files: what must be there, what must not, and that a file's name is the name it says."""

from generator.diag import Mark, quoted
from generator.names import PLATFORM_SPEC, TENANTS, tenant_spec
from generator.rules.rule import Problems, Rule
from generator.rules.specs import SPEC_DEPTH, Specs, kind_at

RESERVED_TENANTS: tuple[str, ...] = (
    "argocd",
    "platform",
)  # folders of overlays/<environment>/ and of overlays/ that gen writes itself
RESERVED_ENVIRONMENTS = ("argocd",)
# tenant: its file would be tenant.yaml. default-deny: its policy would be the one that closes the namespace. default:
# its ServiceAccount would be the one of every pod that names none.
RESERVED_MODELS: tuple[str, ...] = ("default", "default-deny", "tenant")


def no_platform(specs: Specs) -> Problems:
    """Find that platform.yaml is missing."""
    if PLATFORM_SPEC not in specs.paths:
        todo = "change into the folder that holds it, or name that folder: gen -C FOLDER"
        yield Mark(PLATFORM_SPEC), "there is no platform.yaml", todo


def links(specs: Specs) -> Problems:
    """Find symbolic links among the specs."""
    for entry in specs.entries:
        if entry.kind == "link":
            yield Mark(entry.path), "this is a symbolic link", "put the file itself here: one file, one place"


def strays(specs: Specs) -> Problems:
    """Find what is neither a tenant's folder nor a spec in it."""
    for entry in specs.entries:
        parts = entry.path.split("/")
        if parts[0] != TENANTS or entry.kind == "link":
            continue
        if parts[-1].startswith("."):
            yield Mark(entry.path), f"{quoted(parts[-1])} is hidden", "take it out: nobody reviews what nobody sees"
        elif entry.kind == "folder" and len(parts) > SPEC_DEPTH - 1:
            todo = f"move what it holds to {'/'.join(parts[:2])}/: a tenant has no folders below its own"
            yield Mark(entry.path), f"the folder {quoted(parts[-1])} stands in a tenant's folder", todo
        elif entry.kind == "file" and len(parts) < SPEC_DEPTH:
            yield Mark(entry.path), "this file stands outside every tenant's folder", "move it to tenants/<tenant>/"
        elif entry.kind == "file" and len(parts) == SPEC_DEPTH and not parts[-1].endswith(".yaml"):
            todo = 'name it "<model>.yaml", or keep it outside tenants/'
            yield Mark(entry.path), f"{quoted(parts[-1])} is not the name of a spec", todo


def no_tenant(specs: Specs) -> Problems:
    """Find folders of tenants without tenant.yaml."""
    for entry in specs.entries:
        parts = entry.path.split("/")
        if entry.kind == "folder" and parts[0] == TENANTS and len(parts) == SPEC_DEPTH - 1 and parts[1][0] != ".":
            path = tenant_spec(parts[1])
            if path not in specs.paths:
                todo = f'run "gen new tenant {parts[1]}", or take the folder out'
                yield Mark(path), f"the folder {entry.path} has no tenant.yaml", todo


def wrong_kinds(specs: Specs) -> Problems:
    """Find documents of another kind than their place asks for."""
    for document in specs.misplaced:
        want = kind_at(document.file)
        place = {"Platform": "platform.yaml", "Tenant": "tenant.yaml"}.get(want, "a model's file")
        what = f"the kind is {quoted(document.kind)}, and {place} holds a {want}"
        yield document.value_mark(("kind",)), what, f"write kind: {want}, or move the file"


def wrong_names(specs: Specs) -> Problems:
    """Find specs whose name differs from that of their file or folder."""
    for tenant in specs.tenants:
        if (name := tenant.document.name) != tenant.name and name not in RESERVED_TENANTS:
            what = f"the name {quoted(name)} differs from the folder's, {quoted(tenant.name)}"
            yield tenant.document.value_mark(("metadata", "name")), what, f"write name: {tenant.name}"
    for model in specs.models:
        if (name := model.document.name) != model.name and name not in RESERVED_MODELS:
            what = f"the name {quoted(name)} differs from the file's, {quoted(model.name)}"
            todo = f"write name: {model.name}, or rename the file to {name}.yaml"
            yield model.document.value_mark(("metadata", "name")), what, todo


def reserved_names(specs: Specs) -> Problems:
    """Find names of tenants, models and environments that gen needs itself."""
    tenants = ((tenant.document, RESERVED_TENANTS, "tenant") for tenant in specs.tenants)
    models = ((model.document, RESERVED_MODELS, "model") for model in specs.models)
    for document, reserved, noun in (*tenants, *models):
        if document.name in reserved:
            what = f"no {noun} can be called {quoted(document.name)}"
            yield document.value_mark(("metadata", "name")), what, "choose another name: gen keeps this one"
    for name in specs.platform.environments if specs.platform else ():
        if specs.platform and name in RESERVED_ENVIRONMENTS:
            what = f"no environment can be called {quoted(name)}"
            yield specs.platform.key_mark("environments", name), what, "choose another name: gen keeps this one"


RULES = (
    Rule(
        id="missing-platform",
        title="a repository has a platform.yaml",
        why="Environments, issuers and the mesh are named there; without them no tenant and no model means anything.",
        todo="Run gen in the folder that holds platform.yaml, or name that folder with `-C`.",
        example="platform.yaml",
        find=no_platform,
    ),
    Rule(
        id="symlink",
        title="no spec is a symbolic link",
        why="A link can lead out of the repository, Argo CD refuses repositories with such links, and a review shows "
        "the link instead of what it leads to.",
        todo="Put the file itself in the place of the link.",
        example="tenants/payments/copy.yaml fraud.yaml",
        find=links,
    ),
    Rule(
        id="stray-file",
        title="tenants/ holds tenants' folders, and those hold specs, nothing else",
        why="A file that gen does not read looks as if it counted: `fraud.yml` would be a model that is never served.",
        todo="Rename the file to `<model>.yaml`, or keep it outside tenants/.",
        example="tenants/payments/old.yml",
        find=strays,
    ),
    Rule(
        id="missing-tenant",
        title="every tenant's folder has a tenant.yaml",
        why="It says in which environments the tenant's models are served, who reviews them and who may be called.",
        todo="Write it, or let `gen new tenant` do so.",
        example="tenants/payments/tenant.yaml",
        find=no_tenant,
    ),
    Rule(
        id="wrong-kind",
        title="the kind of a spec is what its place asks for",
        why="platform.yaml, tenant.yaml and models' files are found by their place; the kind says the same for tools "
        "that see only the text.",
        todo="Write the kind that belongs there, or move the file.",
        example="kind: Tenant",
        find=wrong_kinds,
    ),
    Rule(
        id="wrong-name",
        title="a model is named like its file, a tenant like its folder",
        why="Names end up in URLs, policies and folders. Were the two different, a reviewer would look at the wrong "
        "one of them.",
        todo="Make the two the same.",
        example="metadata: {name: frauds}",
        find=wrong_names,
    ),
    Rule(
        id="reserved-name",
        title="no tenant is called argocd or platform, no environment argocd, no model tenant, default or default-deny",
        why="gen writes folders of these names itself, and a model called tenant would need the file that describes "
        "its tenant. A model's policy and account are called like it: as default-deny it would take the place of the "
        "policy that closes the namespace, as default the account of every pod that names none.",
        todo="Choose another name.",
        example="metadata: {name: platform}",
        find=reserved_names,
    ),
)
