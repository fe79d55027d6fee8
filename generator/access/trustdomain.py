"""Rewrite the trust domain of principals to the mesh's own and its aliases, as istiod does.

Source: istio/istio 1.30.3, pilot/pkg/security/trustdomain/bundle.go and util.go.
"""

ALIAS = "cluster.local"  # stands for whatever the mesh's own trust domain is
PARTS = 5  # <trust domain>/ns/<namespace>/sa/<service account>


def expand_principals(values: tuple[str, ...], trust_domains: tuple[str, ...]) -> tuple[str, ...]:
    """Return the principals with each known trust domain replaced by all of the mesh's.

    `trust_domains` is the mesh's own followed by its aliases; a principal that is not of the SPIFFE
    shape, or whose trust domain is `*` or unknown, stays as it is.
    """
    expanded: list[str] = []
    for principal in values:
        parts = principal.split("/")
        if len(parts) != PARTS or parts[0] == "*" or not _is_known(parts[0], trust_domains):
            expanded.append(principal)
        else:
            expanded += _replaced(principal, trust_domains)
    return tuple(expanded)


def expand_trust_domains(values: tuple[str, ...], trust_domains: tuple[str, ...]) -> tuple[str, ...]:
    """Return the trust domains, each of the mesh's own followed by the others, none twice."""
    expanded = [each for value in values for each in (trust_domains if value in trust_domains else (value,))]
    return tuple(dict.fromkeys(expanded))


def _replaced(principal: str, trust_domains: tuple[str, ...]) -> list[str]:
    head, _, rest = principal.partition("/")
    # A pattern such as *-td keeps standing for the domains that it matches.
    made = [principal if _suffix_matches(domain, head) else f"{domain}/{rest}" for domain in trust_domains]
    return list(dict.fromkeys(made))


def _is_known(domain: str, trust_domains: tuple[str, ...]) -> bool:
    return domain == ALIAS or any(
        known in (domain, "*")
        or _prefix_matches(domain, known)
        or _prefix_matches(known, domain)
        or _suffix_matches(domain, known)
        or _suffix_matches(known, domain)
        for known in trust_domains
    )


def _prefix_matches(text: str, pattern: str) -> bool:
    return pattern.endswith("*") and text.startswith(pattern.removesuffix("*"))


def _suffix_matches(text: str, pattern: str) -> bool:
    return pattern.startswith("*") and text.endswith(pattern.removeprefix("*"))
