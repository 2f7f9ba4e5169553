"""Takes secrets out of text before it is stored.

A secret is known by its own shape (a vendor's prefix, a JWT, a PEM block), or by where it stands
(after a name such as `api_key`, in a header, before the @ of a URL). Entropy alone is no sign: git
hashes, UUIDs and ticket numbers are what memories are about, and they must survive.

Text comes from elsewhere and may be hostile, so every pattern works in linear time: where one may
begin again inside its own run, a look-behind forbids it or the run is bounded, and what could be
given back is possessive or ends at a character that the next beginning has. Only runs of one class
are possessive: before 3.11.5 CPython matched possessive groups wrongly (python/cpython#106052).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

MASK = "<secret>"
RANDOM_CHARS_MIN = 6
DIGITS_MIN = 8  # fewer are a count, a port, a year
MIXED_CASE_CHARS_MIN = 16  # a shorter one may be an abbreviated name

# Each begins with what its vendor publishes so that scanners can find it.
_KNOWN = re.compile(
    r"""(?P<value>(?<![A-Za-z0-9_-])(?:
      sk-(?=[A-Za-z_-]*+[0-9]|[A-Za-z_-]{40})[A-Za-z0-9_-]{16,}+  # OpenAI, Anthropic, OpenRouter
    | gh[pousr]_[A-Za-z0-9]{20,}+ | github_pat_[A-Za-z0-9_]{20,}+ | glpat-[A-Za-z0-9_-]{16,}+
    | xox[a-z]-[A-Za-z0-9-]{10,}+ | xapp-[A-Za-z0-9-]{10,}+
    | A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])
    | AIza[A-Za-z0-9_-]{30,}+ | ya29\.[A-Za-z0-9_-]{20,}+ | GOCSPX-[A-Za-z0-9_-]{20,}+
    | [sr]k_(?:live|test)_[A-Za-z0-9]{16,}+ | whsec_[A-Za-z0-9+/=]{16,}+
    | npm_[A-Za-z0-9]{30,}+ | pypi-[A-Za-z0-9_-]{40,}+ | hf_[A-Za-z0-9]{30,}+
    | gsk_[A-Za-z0-9]{30,}+ | hv[sb]\.[A-Za-z0-9_-]{20,}+ | dop_v1_[a-f0-9]{40,}+
    | SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+
    | eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?  # JSON Web Token
    ))""",
    re.VERBOSE,
)

# Only its END or the next BEGIN has five dashes. A block that was cut short is base 64 to the end.
_PRIVATE_KEY = re.compile(
    r"""(?P<value>-----BEGIN[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY[A-Z ]{0,10}-----
    (?: [^-]*+(?:-(?!----)[^-]*+)*-----END[A-Z0-9 ]{0,60}-----
      | (?:\s|\\[nr]){0,4}[A-Za-z0-9+/=]{40,}+[A-Za-z0-9+/=\\\s]*+ ))""",
    re.VERBOSE,
)

_URL_PASSWORD = re.compile(r"(?P<before>://[^\s/:@\"'<>]*+:)(?P<value>[^\s/?#\"'<>]+)(?=@)")
_CURL_USER = re.compile(
    r"""(?P<before>(?<!\S)(?:-u|--user)[ =]["']?[^\s:"']{1,100}+:)(?P<value>[^\s"':]++)"""
)
_AUTHORIZATION = re.compile(
    r"""(?P<before>authorization\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?
        (?:bearer|basic|token|digest|apikey|negotiate)\s{1,3})(?P<value>[^\s"'\\,]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_COOKIE = re.compile(
    r"""(?P<before>(?<![a-z])cookie["']?\s{0,3}:\s{0,3}["']?[\w.-]{1,100}+=)(?P<value>[^"'\r\n]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_BEARER = re.compile(
    r"(?P<before>(?<![a-z])bearer\s{1,3})(?P<value>[a-z0-9._~+/=-]{8,}+)", re.IGNORECASE
)

_PASSWORD = r"(?P<password>passw(?:or)?d|passphrase|pwd|passwort|パスワード|密码|密碼|비밀번호)"  # noqa: S105
_NAME = (
    rf"(?:{_PASSWORD}|(?P<weak>credentials?|signature|(?<![a-z])sig|authorization)|secret|token"
    r"|(?:api|access|account|private|secret|signing|encryption|auth|shared)[_ -]?key(?:[_-]?id)?)"
)
# An unquoted value is judged by what stands before a bracket, colon or equals sign: if it is none,
# a name may follow there, and a run that ends there is not read over again for each such name.
_VALUE = r"""(?:(?P<quote>\\?["'])|(?!\\?["']))(?P<value>
      (?<=\\["'])[^"'\\\n]++ | (?<=")(?:[^"\\\n]|\\.)+ | (?<=')(?:[^'\\\n]|\\.)+
    | [^\s"'`,;&][^\s"'`,;&()\[\]{}:=]*+)"""
_REST_OF_VALUE = re.compile(r"(?:[^\s\"'`,;&)\]}>]|[)\]}>](?=\w))*")
_ASSIGNED = re.compile(
    rf"""(?P<before>{_NAME}\\?["'`]?
        (?:[ \t]{{0,3}}(?:(?P<equals>:=|=>|=(?!=))|[:\uff1a])[ \t]{{0,3}}
          |(?P<verb>[ \t](?:is|was)[ \t])))
    {_VALUE}""",
    re.VERBOSE | re.IGNORECASE,
)
_FLAG = re.compile(
    rf"(?P<before>(?<!\S)--[a-z0-9-]{{0,30}}?{_NAME}[ \t]{{1,3}}){_VALUE}",
    re.VERBOSE | re.IGNORECASE,
)

# What only stands for a value gives nothing away.
_PLACEHOLDER = re.compile(r"[<*%{\[]|\$(?:[A-Z_]*$|[{(])|\.\.\.|…")
_PLAIN = re.compile(
    r"""(?:none|null|nil|undefined|true|false|required|optional|string|str|redacted)\W*$
      | (?:rsa|aes|ed|ecdsa|sha|md|hmac|[hre]s)[-_]?\d+\W*$
      | [a-z_]+\.[a-z_.]+$  # an attribute in code""",
    re.VERBOSE | re.IGNORECASE,
)
_PATH = re.compile(r"(?:~|\.{1,2})?/[\w./~-]*$|[a-z]:\\", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*$")


def mask_secrets(text: str) -> str:
    """Return the text with each secret in it replaced by `<secret>`; the rest is untouched.

    >>> mask_secrets("deploy with API_KEY=9f8e7d6c5b4a to commit 64381d5")
    'deploy with API_KEY=<secret> to commit 64381d5'
    """
    lowered = text.lower()
    for rule in _RULES:
        if any(needle in lowered for needle in rule.needles):
            text = _mask_values(text, rule)
    return text


def _mask_values(text: str, rule: "_Rule") -> str:
    kept: list[str] = []
    done = position = 0
    while match := rule.pattern.search(text, position):
        if rule.is_secret(match):
            kept += (text[done : match.start("value")], MASK)
            done = position = _end_of_value(match)
        else:
            position = match.end("before")  # its value may hold a name with a value of its own
    return "".join((*kept, text[done:]))


def _end_of_value(match: re.Match[str]) -> int:
    if match.re not in (_ASSIGNED, _FLAG) or match["quote"]:
        return match.end("value")
    rest = _REST_OF_VALUE.match(match.string, match.end("value"))
    assert rest is not None, "it matches nothing at the least"
    return rest.end()


def _always(match: re.Match[str]) -> bool:
    return not _PLACEHOLDER.match(match["value"])


def _if_random(match: re.Match[str]) -> bool:
    return _always(match) and _looks_random(match["value"])


def _if_assigned(match: re.Match[str]) -> bool:
    """Judge what stands after a name: `=` and quotes assign, a colon may open a sentence."""
    value = match["value"]
    if _stands_for_a_value(match):
        return False
    if _looks_random(value) or match["weak"]:
        return _looks_random(value)
    if match["password"]:
        return bool(match["quote"]) or _is_equals(match) or _ends_the_line(match)
    if match["quote"]:
        return " " not in value
    return _is_equals(match) and not value.isdigit()


def _stands_for_a_value(match: re.Match[str]) -> bool:
    value, following = match["value"], match.string[match.end() : match.end() + 3]
    if _PLACEHOLDER.match(value) or _PLAIN.match(value) or following == "://":
        return True
    if _PATH.match(value) and not _is_mixed(value):
        return True
    return not match["quote"] and following[:1] in ("(", "[") and bool(_IDENTIFIER.match(value))


def _is_equals(match: re.Match[str]) -> bool:
    return match.re is _ASSIGNED and match["equals"] is not None


def _ends_the_line(match: re.Match[str]) -> bool:
    """`password: hunter` does, `password: must be long` does not; another flag ends it too."""
    if match.re is _ASSIGNED and match["verb"]:
        return False
    following = match.string[match.end() : match.end() + 2]
    return not following.strip(" \t") or following[0] in "\r\n" or following == " -"


def _looks_random(value: str) -> bool:
    value = value.rstrip(".,!?:)")
    if len(value) < RANDOM_CHARS_MIN or " " in value:
        return False
    if value.isdigit():
        return len(value) >= DIGITS_MIN
    has_digit, has_letter = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    return (has_digit and has_letter) or _is_mixed(value) or any(c in "!@#$%^&*?" for c in value)


def _is_mixed(value: str) -> bool:
    """Tell whether capitals and small letters mix more evenly than in any CamelCase."""
    capitals, small = sum(map(str.isupper, value)), sum(map(str.islower, value))
    return len(value) >= MIXED_CASE_CHARS_MIN and 4 * min(capitals, small) >= len(value)


class _Rule(NamedTuple):
    """A pattern, what a text must hold for it to match at all, and which matches are secrets.

    The needles are why most texts cost microseconds: `in` is 50 times faster than a pattern.
    """

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    is_secret: Callable[[re.Match[str]], bool]


_VENDORS = (
    *("sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-"),
    *("akia", "asia", "aiza", "ya29.", "gocspx-", "k_live_", "k_test_", "whsec_", "npm_", "pypi-"),
    *("hf_", "gsk_", "hvs.", "hvb.", "dop_v1_", "sg.", "eyj"),
)
_NAMES = (
    *("passw", "passphrase", "pwd", "パスワード", "密码", "密碼", "비밀번호"),
    *("credential", "signature", "sig", "authorization", "secret", "token", "key"),
)
_RULES = (
    _Rule(("-----begin",), _PRIVATE_KEY, _always),
    _Rule(_VENDORS, _KNOWN, _always),
    _Rule(("://",), _URL_PASSWORD, _always),
    _Rule(("authorization",), _AUTHORIZATION, _always),
    _Rule(("cookie",), _COOKIE, _always),
    _Rule(("bearer",), _BEARER, _if_random),
    _Rule(("-u ", "-u=", "--user"), _CURL_USER, _if_random),
    _Rule(("--",), _FLAG, _if_assigned),
    _Rule(_NAMES, _ASSIGNED, _if_assigned),
)
