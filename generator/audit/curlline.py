"""Read the request that a curl command sends; curl(1)."""

import argparse
import shlex
from typing import NoReturn
from urllib.parse import urlsplit

from generator.access.parse import read_token
from generator.access.request import Request, Token
from generator.audit.reading import BEARER, Read
from generator.diag import ToolError

HTTPS, HTTP = 443, 80
FLAGS = "sSfvkLiIGgNa0123456"
# Options that take a value and have no say in who gets in.
WITH_VALUE = (
    ("-o", "--output"), ("-w", "--write-out"), ("-A", "--user-agent"), ("-e", "--referer"), ("-m", "--max-time"),
    ("-u", "--user"), ("-b", "--cookie"), ("-c", "--cookie-jar"), ("-E", "--cert"), ("-x", "--proxy"),
    ("-T", "--upload-file"), ("-F", "--form"), ("--cacert",), ("--capath",), ("--key",), ("--connect-timeout",),
    ("--retry",), ("--resolve",), ("--connect-to",), ("--ciphers",),
)  # fmt: skip
DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ToolError(f"the curl line does not read: {message}\n  copy all of it, its quotes too")


def curl_line(line: str, time: int) -> Read:
    """Return the request that a curl command sends.

    Raises:
        ToolError: It is no curl command with a URL.
    """
    try:
        words = shlex.split(line.replace("\\\n", " "), comments=True)
    except ValueError as problem:
        raise ToolError(f"the curl line does not read: {problem}\n  copy all of it, its quotes too") from None
    found, _ = _parser().parse_known_args(words[1:] if words and words[0].endswith("curl") else words)
    url = found.url or next((word for word in found.words if "." in word or "://" in word), "")
    if not url:
        raise ToolError("the curl line has no URL\n  copy all of it")
    return _read(url, found, time)


def _read(url: str, found: argparse.Namespace, time: int) -> Read:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    pairs = [(name.strip(), value.strip()) for name, _, value in (text.partition(":") for text in found.headers)]
    pairs += [("authorization", BEARER + found.bearer)] if found.bearer else []
    bearer = [value for name, value in pairs if name.lower() == "authorization" and value.startswith(BEARER)]
    token = read_token(bearer[0].removeprefix(BEARER)) if bearer else None
    hosts = [value for name, value in pairs if name.lower() == "host"]
    headers = [pair for pair in pairs if pair[0].lower() not in ("host", "content-length") and pair[1] not in bearer]
    is_secure = parts.scheme == "https"
    usual = "HEAD" if found.I else "POST" if found.data and not found.G else "GET"
    request = Request(
        method=found.request or usual,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        authority=(hosts or [parts.netloc.rpartition("@")[2]])[0].lower(),
        headers=tuple(headers),
        port=parts.port or (HTTPS if is_secure else HTTP),
        sni=(parts.hostname or "") if is_secure else "",
        time=time,
    )
    return Read(request=request, token=token if isinstance(token, Token) else None, shows_token=bool(bearer))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for flag in FLAGS:
        parser.add_argument(f"-{flag}", action="store_true", dest=flag)
    for names in WITH_VALUE:
        parser.add_argument(*names, dest="ignored")
    parser.add_argument("-X", "--request", default="")
    parser.add_argument("-H", "--header", action="append", default=[], dest="headers")
    parser.add_argument("--oauth2-bearer", default="", dest="bearer")
    parser.add_argument("--url", default="")
    parser.add_argument(*DATA, action="append", default=[], dest="data")
    parser.add_argument("words", nargs="*")
    return parser
