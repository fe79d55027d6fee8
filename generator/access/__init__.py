"""Who gets in: Istio's decision over one request, from the Kubernetes objects alone; and the proof by a real Envoy.

The three calls that everything else is built on:

    mesh = read(objects, settings, workloads)     # objects as parsed from YAML -> Mesh
    verdict = judge(guard(mesh, workload), request)      # one proxy: its sidecar or gateway
    decision = decide(mesh, request, "api/seldon-gateway")       # the whole way, hop by hop

`read` refuses, all at once and with `UnsupportedError`, every object and field that has a say in access and
that the evaluator does not cover; what it returns is judged exactly. Keep the `Guard` of a workload when
many requests are judged there: judging costs some 30 microseconds.

- `Settings`: trust domain and aliases, root namespace, path normalisation, trusted proxies.
- `Workload`, `Port`: who stands behind a sidecar or is a gateway; `pods.workloads_of` reads them out of Deployments
  and Services, `tree.clusters` out of a repository's rendered trees.
- `Request`, `Peer`, `Token`, `with_token`: one request on the wire, who its client is, and what is true of its
  tokens. `keys_at` says which keys a token has to be signed with at a workload.
- `Verdict`: allowed, the code that a client gets, the reason, and the rule that granted or refused.
- `Decision`: one `Trail` of `Hop`s for every way that the request may take (canary, shadow).

To hold the evaluator against Envoy: `envoy.http_listener` and `envoy.tcp_listener` compile what guards a
workload to the filters that istiod sends, `harness.running` runs a real Envoy with them on loopback, `client.ask` puts
requests to it, `sample.sample` makes requests close to the policies, `signing` makes keys, tokens and certificates.
These need the extra `prove`, and are imported by their modules' names.

Not covered, and refused where an object asks for it: ambient and waypoints, Gateway API, EnvoyFilter and
WasmPlugin, redirects, faults, header changes and CORS answers of a VirtualService, TLS modes of a Gateway other than
SIMPLE, routing by query, port or claim. NetworkPolicies are a second wall, and are not looked at.
"""

from generator.access.decide import Decision, Hop, Trail, decide
from generator.access.evaluate import Reason, RuleRef, Verdict, judge
from generator.access.mesh import Guard, Mesh, Port, Settings, Workload, guard, keys_at, principal_of
from generator.access.paths import PathNormalization
from generator.access.reading import Ref, Unsupported, UnsupportedError
from generator.access.request import Peer, Protocol, Request, Token, Transport, with_token
from generator.access.world import read

__all__ = [
    "Decision",
    "Guard",
    "Hop",
    "Mesh",
    "PathNormalization",
    "Peer",
    "Port",
    "Protocol",
    "Reason",
    "Ref",
    "Request",
    "RuleRef",
    "Settings",
    "Token",
    "Trail",
    "Transport",
    "Unsupported",
    "UnsupportedError",
    "Verdict",
    "Workload",
    "decide",
    "guard",
    "judge",
    "keys_at",
    "principal_of",
    "read",
    "with_token",
]
