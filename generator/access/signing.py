"""Throw-away keys, tokens and certificates, for proofs against a real proxy; needs the extra `prove`.

Everything is made fresh and lives as long as its caller keeps it: nothing here signs for anyone real.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.access.keys import thumbprint
from generator.access.request import Token
from generator.diag import ToolError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

MISSING = "the packages for proofs are not installed\n  install modelapi-gen[prove]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An RSA key that signs tokens: `jwk` is its public half, `kid` may be "" for a key without an id."""

    private: "RSAPrivateKey"
    jwk: dict[str, Any]
    kid: str = ""

    @property
    def name(self) -> str:
        """The key's thumbprint, as in `keys.Key.name`."""
        return thumbprint(self.jwk)

    def sign(self, claims: dict[str, Any], *, kid: str | None = None, alg: str = "RS256") -> Token:
        """Return a real token; `kid` overrides the key's own id in the token's header."""
        import jwt  # noqa: PLC0415  only with the extra

        header = self.kid if kid is None else kid
        text = jwt.encode(claims, self.private, algorithm=alg, headers={"kid": header} if header else {})
        return Token(claims=claims, key=self.name, kid=header, alg=alg, text=text)

    def sign_raw(self, claims: dict[str, Any]) -> Token:
        """Return a token with claims of any type, which `sign` would refuse."""
        import jwt  # noqa: PLC0415  only with the extra

        body = json.dumps(claims).encode()
        text = jwt.PyJWS().encode(body, self.private, algorithm="RS256", headers={"kid": self.kid} if self.kid else {})
        return Token(claims=claims, key=self.name, kid=self.kid, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority of a mesh."""

    private: "EllipticCurvePrivateKey"
    certificate: "Certificate"


def make_signer(kid: str = "") -> Signer:
    """Make an RSA key of 2048 bits.

    Raises:
        ToolError: The extra `prove` is not installed.
    """
    try:
        import jwt  # noqa: PLC0415  only with the extra
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    except ImportError as error:
        raise ToolError(MISSING) from error
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    public = {name: jwk[name] for name in ("kty", "n", "e")}
    return Signer(private=private, jwk=public | ({"kid": kid} if kid else {}), kid=kid)


def key_set(*signers: Signer) -> str:
    """Return the text of a JSON Web Key Set with the signers' public keys."""
    return json.dumps({"keys": [signer.jwk for signer in signers]})


def make_authority(name: str) -> Authority:
    """Make a certificate authority, good for a day.

    Raises:
        ToolError: The extra `prove` is not installed.
    """
    try:
        from cryptography import x509  # noqa: PLC0415  only with the extra
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ImportError as error:
        raise ToolError(MISSING) from error
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = _dated(x509.CertificateBuilder()).subject_name(subject).issuer_name(subject)
    builder = builder.public_key(private.public_key()).serial_number(1)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Authority(private=private, certificate=builder.sign(private, hashes.SHA256()))


def write_identity(authority: Authority, principal: str, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a workload's certificate and key as `name`.crt and `name`.key; return their paths.

    The SPIFFE id is the certificate's only name, as in the certificates of istiod.
    """
    from cryptography import x509  # noqa: PLC0415  only with the extra
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    private = ec.generate_private_key(ec.SECP256R1())
    builder = _dated(x509.CertificateBuilder()).subject_name(x509.Name([]))
    builder = builder.issuer_name(authority.certificate.subject).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    uri = x509.UniformResourceIdentifier(f"spiffe://{principal}")
    builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=True)
    certificate = builder.sign(authority.private, hashes.SHA256())
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


def write_authority(authority: Authority, path: Path) -> Path:
    """Write the authority's certificate, for those who have to trust it."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  only with the extra

    path.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _dated(builder: Any) -> Any:
    now = dt.datetime.now(dt.UTC)
    return builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
