"""What Istio is told of tokens: which are checked and how, and how a rule names their issuer, audience and claims.

Source: Istio RequestAuthentication and AuthorizationPolicy references, and "Authorization Policy Conditions".
"""

from collections.abc import Iterable

from generator.tenancy import Issuer, Object

AUDIENCES = "request.auth.audiences"


def jwt_rule(issuer: Issuer, audiences: Iterable[str], *, forward: bool) -> Object:
    """Return how tokens of the issuer are checked: from the Authorization header alone, never from the URL.

    ``forward``: whether the next hop gets the token, which it needs to check it again. Without ``fromHeaders`` Istio
    also takes ``?access_token=``, and tokens would be in logs.
    """
    keys = {"jwks": issuer.jwks} if issuer.jwks else {"jwksUri": issuer.jwks_uri}
    return {
        "issuer": issuer.url,
        "audiences": list(audiences),
        **keys,
        "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}],
        "forwardOriginalToken": forward,
    }


def request_principal(issuer: Issuer) -> str:
    """Return the request principal of every token of the issuer, whatever its subject.

    Istio splits at the last ``/``, so an issuer that ends in one keeps it: ``https://idp.example//*``.
    """
    return f"{issuer.url}/*"


def audience_condition(audiences: Iterable[str]) -> Object:
    """Return the condition that a token is meant for one of the audiences."""
    return {"key": AUDIENCES, "values": list(audiences)}


def claim_condition(claim: str, values: Iterable[str]) -> Object:
    """Return the condition that a claim has, or its list holds, one of the values."""
    return {"key": "request.auth.claims" + "".join(f"[{part}]" for part in claim_path(claim)), "values": list(values)}


def claim_path(claim: str) -> tuple[str, ...]:
    """Return the keys that lead to a claim: ``realm_access.roles`` is nested, a URL is one key as it stands."""
    return (claim,) if ":" in claim or "/" in claim else tuple(claim.split("."))
