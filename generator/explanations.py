"""What the messages mean that are no rule: those on YAML, on the form of a spec, on the trees and their proof.

Rules bring their own words (`rules/rule.py`); these ids are spoken in many places, so their words stand here once.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What an id in brackets stands for: what must hold, why, what to do, and something that breaks it."""

    id: str
    title: str
    why: str
    todo: str
    example: str = ""
    severity: str = "error"


def _words(*rows: tuple[str, str, str, str, str]) -> tuple[Explanation, ...]:
    return tuple(Explanation(id=i, title=title, why=why, todo=todo, example=eg) for i, title, why, todo, eg in rows)


READING = _words(
    ("too-large", "a spec has at most 256 KiB", "No person reviews more.", "Split it: one model in one file.", ""),
    ("byte-order-mark", "a spec begins with its first character", "The mark is seen by programs and by no person.",
     'Save the file as "UTF-8", not "UTF-8 with BOM".', ""),
    ("not-utf8", "a spec is UTF-8", "Every other encoding is read differently somewhere.", "Save it as UTF-8.", ""),
    ("control-character", "what a spec says can be seen",
     "Characters that nobody sees, or that turn the reading direction, let a review miss what is really there.",
     "Take the character out.", ""),
    ("empty-file", "a spec says something", "An empty file is more often an accident than a wish.",
     "Begin with apiVersion, kind, metadata and spec, or take the file out.", ""),
    ("not-a-mapping", "a spec is a mapping", "Nothing else has the keys that a spec needs.",
     "Begin with apiVersion, kind, metadata and spec.", "- apiVersion: modelapi/v1"),
    ("several-documents", "a file holds one document", "Readers differ in which of several they take.",
     "Keep one, and give each other one its own file.", "---"),
    ("yaml-syntax", "a spec is YAML", "What cannot be read cannot be judged; the rest of the file is not looked at.",
     "Do what the message says; most often a quote, a colon or an indentation is missing.", "run: {bento: a"),
    ("yaml-tab", "a spec is set in with spaces", "YAML takes no tabs for indentation.", "Use spaces.", ""),
    ("yaml-anchor", "a spec says each thing where it holds",
     "Anchors, aliases and merge keys move what a line means to another line, and readers differ on them.",
     "Write the value out.", "<<: *default"),
    ("yaml-tag", "values have no tags", "A tag changes what a value is, without a reader seeing why.",
     'Take the "!" out, or quote the text.', "cpu: !!str 1"),
    ("yaml-directive", "a spec has no directives", "They speak to the YAML reader, not to gen.", "Take the line out.",
     "%YAML 1.1"),
    ("too-deep", "a spec nests at most 40 levels", "No field is that deep.", "Say it with fewer levels.", ""),
    ("duplicate-key", "a key stands once in its mapping", "Readers differ in which of the two they take.",
     "Keep one of them.", "cpu: 1\ncpu: 2"),
    ("key-not-text", "a key is text", "A number or a list as a key is read differently by different readers.",
     "Quote it.", "8080: http"),
    ("ambiguous-scalar", "every reader takes a value for the same thing",
     "YAML 1.1 and YAML 1.2 differ on values like no, 0777, 1_000 and 12:30:45; each is somebody's reader.",
     "Quote it if it is text; write the number plainly if it is one.", "version: 1.10"),
)  # fmt: skip
FORM = _words(
    ("unknown-version", "apiVersion is modelapi/v1", "It is the only version of this format.",
     "Write apiVersion: modelapi/v1.", "apiVersion: v1"),
    ("unknown-kind", "kind is Platform, Tenant or Model", "gen knows no other.", "Write one of them.",
     "kind: Deployment"),
    ("unknown-key", "every key is one that its mapping has",
     "A misspelt key would be ignored, and its default would hold without a word.",
     "Correct it; `gen explain` with the path of the mapping lists its keys.", "replcas: 2"),
    ("missing-key", "what a mapping needs is there", "There is no safe default for it.", "Add the key.", ""),
    ("not-allowed", "keys that exclude each other do not stand together", "Only one of them could hold.",
     "Keep one of them.", "run: {}\nnodes: {}"),
    ("bad-type", "a value has its type", "Text, numbers, lists and mappings are not taken for each other.",
     "Write it as the message says; `gen explain` with the field's path shows an example.", "replicas: two"),
    ("bad-value", "a value is one of those allowed, or of their form", "Nothing else would work further on.",
     "Write one of them; `gen explain` with the field's path says which there are.", "protocol: grpc"),
    ("bad-key", "a name that you choose has its form", "It becomes the name of an object or a variable.",
     "Rename it.", "Main: {traffic: 100}"),
    ("bad-length", "a text is neither too short nor too long", "It would not fit where it is used.",
     "Shorten or extend it.", ""),
    ("bad-count", "a list or mapping has neither too few nor too many items", "It would say nothing, or too much.",
     "Add or take out items.", "users: []"),
    ("out-of-range", "a number lies within its limits", "Beyond them nothing works.", "Write one within the limits.",
     "traffic: 120"),
    ("duplicate-item", "an item stands once in its list", "The second says nothing, and hides a mistake.",
     "Take one of them out.", "users: [a@corp.example, a@corp.example]"),
)  # fmt: skip
TREES = _words(
    ("foreign-file", "base/ and overlays/ hold nothing but what gen wrote",
     "gen overwrites and deletes only its own files, so that no work of yours is lost.",
     "Move the file elsewhere, or delete it.", ""),
    ("stale-tree", "the trees are what the specs say", "What is synced is the tree, not the spec.",
     "Run gen render and commit what it changes.", ""),
    ("kustomize-fails", "Kustomize builds every overlay without a word",
     "Argo CD runs the same program; what fails here fails there.", "Do what the message says.", ""),
    ("kustomize-differs", "Kustomize prints each object as gen resolved it",
     "Kustomize drops patches that match nothing and renames what it should not, in silence.",
     "Report it: it is a bug in gen.", ""),
    ("dead-patch", "every patch has exactly one target", "Kustomize says nothing about a patch that changes nothing.",
     "Run gen render; if it stays, report it.", ""),
    ("object-schema", "every object fits the schema of its kind",
     "The API server would refuse it, or drop the field.", "Report it: it is a bug in gen.", ""),
    ("reference-open", "what an object refers to is there", "A pod would wait for it for ever.",
     "Report it: it is a bug in gen.", ""),
    ("wall-missing", "every namespace has its walls", "Without default deny, what no policy names is open.",
     "Report it: it is a bug in gen.", ""),
    ("policy-missing", "every pod that serves has its policies", "Without them it is open, or closed to everybody.",
     "Report it: it is a bug in gen.", ""),
    ("quota-too-small", "a tenant's quota holds its pods at their fewest", "No pod beyond the quota starts.",
     "Raise the quota in tenant.yaml, or ask for less in the models.", 'quota: {cpu: "1"}'),
    ("application-missing", "an Application syncs every overlay", "What nothing syncs is never there.",
     "Run gen render; if it stays, report it.", ""),
    ("project-closure", "Argo CD's projects permit all that is synced, and no more",
     "Argo CD refuses to sync what a project does not permit.", "Run gen render; if it stays, report it.", ""),
    ("cluster-refuses", "the API server takes every object",
     "It knows the versions of the CRDs and the admission rules that really hold.",
     "Do what the server says, in the spec that the message names.", ""),
)  # fmt: skip
EXPLANATIONS = (*READING, *FORM, *TREES)
