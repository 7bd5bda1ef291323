"""Credentials in records replaced by a fixed mark, before anything is stored.

What counts as a credential:

- values of query and matrix parameters that name one (`?access_token=`, `&X-Amz-Signature=`, `;jsessionid=`);
- what follows `Bearer`, `Basic` or `Negotiate`;
- JSON web tokens and the tokens of well-known services by their prefixes, wherever they are;
- passwords in `scheme://user:password@host`;
- long path segments behind `/token/`, `/reset-password/` and the like;
- the values of headers that carry credentials (`authorization`, `cookie`, `x-api-key`, ...), in attributes and in the
  bytes of rejects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import LABELS
from pipelines.parsers.lines import as_mask
from pipelines.parsers.result import Parsed

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What stands where a credential was.
MARK: Final = "[redacted]"

_END: Final = r"[^&#;\s\"'<>\\]"
_ANYWHERE: Final = (
    r"token|secret|passw(?:or)?d|passphrase|signature|credentials?|api[-_]?key|access[-_]?key(?:[-_]?id)?|"
    r"session[-_]?id|sessid|authorization|assertion|saml(?:request|response)"
)
_EXACT: Final = r"auth|code|jwt|key|otp|pwd|sid|sig|ticket|session"
_HEADERS: Final = (
    r"(?:proxy-|x-)?authorization|(?:set-)?cookie|x-(?:[a-z]+-)?(?:api-?key|(?:auth|access|csrf|xsrf|id|security)-token)|"
    r"x-forwarded-client-cert-chain|x-goog-iap-jwt-assertion"
)
_LONG_BEHIND: Final = (
    r"tokens?|reset-?password|password-?reset|magic-?links?|invit(?:e|ation)s?|activat(?:e|ion)|verify-?email|"
    r"unsubscribe"
)
_SERVICES: Final = (
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|"
    r"[rs]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|npm_\w{30,}|ya29\.[\w-]{20,}"
)
#: Pattern and replacement, one after the other.
_RULES: Final = (
    (rf"(?i)([?&](?:[\w.%-]*(?:{_ANYWHERE})|{_EXACT})=){_END}+", rf"\1{MARK}"),
    (rf"(?i)(;(?:[\w.%-]*(?:{_ANYWHERE})|{_EXACT})=)[^?&#;\s\"'<>\\]+", rf"\1{MARK}"),
    (r"(?i)\b(bearer|basic|negotiate)((?:\s|%20|\+|:)+)[A-Za-z0-9._~+/=%-]{6,}", rf"\1\2{MARK}"),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?", MARK),
    (rf"\b(?:{_SERVICES})", MARK),
    (r"(://[^/\s:@\"]*:)[^/@\s\"]+@", rf"\1{MARK}@"),
    (rf"(?i)(/(?:{_LONG_BEHIND})/)[^/?#\s\"]{{16,}}", rf"\1{MARK}"),
)
#: The same, of bytes that may be lines of any log: headers with their values, as JSON or as text.
_RAW_RULES: Final = (
    *_RULES,
    (rf"(?i)(\\*\"(?:[\w.%()-]*[.%(])?(?:{_HEADERS})\)?%?\\*\"\s*:\s*\\*\")[^\"\\]+", rf"\1{MARK}"),
    (rf"(?i)\b((?:{_HEADERS})\s*[:=]\s*)[^\"\s][^\"\r\n]*", rf"\1{MARK}"),
)
_ANY: Final = "|".join(f"(?:{pattern})" for pattern, _ in _RULES)
_RAW_ANY: Final = "|".join(f"(?:{pattern})" for pattern, _ in _RAW_RULES)
_SECRET_KEY: Final = rf"(?i)(?:\A|[^a-z-])(?:{_HEADERS}|{_ANYWHERE})(?:\z|[^a-z-])"

#: Two neighbouring bytes of which every credential has at least one pair, upper or lower case.
_PAIRS: Final = (
    *(f"{last}=" for last in "ntdelsyhpg"),
    *(f"{last}{space}" for last in "rce" for space in " %+:\t"),
    *("yj", ":/"),
    *("ok", "t-", "tp", "d-", "dr", "c-", "cl", "nv", "iv", "fy", "y-", "ub"),
    *("p_", "o_", "u_", "s_", "r_", "b_", "lp", "xo", "ki", "si", "k_", "iz", "m_", "a2"),
)
#: Values from which on looking for pairs first pays; how often they must repeat for a look at distinct ones to pay.
_MANY: Final = 1000
_REPEATED: Final = 4

#: Columns of text that clients choose.
_TEXTS: Final = ("path", "user_agent", "x_forwarded_for", "url")
_MAPS: Final = ("attributes", "resource_attributes")


def redacted(parsed: Parsed) -> Parsed:
    """The same records and rejects without credentials. Lengths and offsets stay those of the original bytes."""
    accepted, rejected = parsed.accepted, parsed.rejected
    for name in (*_TEXTS, *_MAPS):
        position = accepted.schema.get_field_index(name)
        if position >= 0 and accepted.num_rows:
            field = accepted.schema.field(position)
            hide = _hide_in_maps if field.type == LABELS else _hide_in_texts
            column = accepted.column(position)
            hidden = [hide(chunk) for chunk in column.chunks]
            if any(new is not old for new, old in zip(hidden, column.chunks, strict=True)):
                accepted = accepted.set_column(position, field, pa.chunked_array(hidden, field.type))
    if rejected.num_rows:
        raw = redacted_bytes(rejected["raw"].combine_chunks())
        position = rejected.schema.get_field_index("raw")
        rejected = rejected.set_column(position, rejected.schema.field(position), raw)
    return Parsed(accepted, rejected, parsed.read, parsed.others)


def redacted_bytes(raw: pa.Array) -> pa.Array:
    """Bytes of any lines (binary) without credentials."""
    return _replaced(raw, _RAW_ANY, _RAW_RULES)


def _hide_in_texts(texts: pa.Array) -> pa.Array:
    if len(texts) > _MANY and texts.type == pa.string():
        if pc.count_distinct(texts.slice(0, _MANY)).as_py() * _REPEATED < _MANY:
            encoded = texts.dictionary_encode()
            hidden = _replaced(encoded.dictionary, _ANY, _RULES)
            return texts if hidden is encoded.dictionary else hidden.take(encoded.indices)
        # Looking for pairs of bytes is much cheaper than a regular expression.
        from pipelines.parsers.redaction_kernel import suspects

        suspected = pa.array(suspects(texts, _PAIRS))
        some = texts.take(suspected)
        hidden = _replaced(some, _ANY, _RULES)
        if hidden is some:
            return texts
        mask = np.zeros(len(texts), np.bool_)
        mask[suspected.to_numpy()] = True
        return pc.replace_with_mask(texts, pa.array(mask), hidden)
    if pa.types.is_dictionary(texts.type):
        hidden = _replaced(texts.dictionary, _ANY, _RULES)
        return texts if hidden is texts.dictionary else pa.DictionaryArray.from_arrays(texts.indices, hidden)
    return _replaced(texts, _ANY, _RULES)


def _hide_in_maps(maps: pa.Array) -> pa.Array:
    """Attributes: all of a value whose key names a credential, and credentials within the other values."""
    # What a sliced array holds begins elsewhere than its first row.
    bounds = maps.offsets.to_numpy()
    all_keys, all_items = (part.slice(bounds[0], bounds[-1] - bounds[0]) for part in (maps.keys, maps.items))
    if not len(all_items):
        return maps
    keys = all_keys.dictionary_encode()
    is_secret = as_mask(pc.match_substring_regex(keys.dictionary, pattern=_SECRET_KEY))
    items = _hide_in_texts(all_items)
    secret: NDArray[np.bool_] = is_secret[keys.indices.to_numpy()] & as_mask(pc.is_valid(items))
    if items is all_items and not secret.any():
        return maps
    items = pc.if_else(pa.array(secret), pa.scalar(MARK, pa.string()), items)
    again = pa.MapArray.from_arrays(pa.array(bounds - bounds[0], pa.int32()), all_keys, items)
    return pc.if_else(maps.is_null(), pa.scalar(None, LABELS), again) if maps.null_count else again


def _replaced(texts: pa.Array, any_of: str, rules: tuple[tuple[str, str], ...]) -> pa.Array:
    """Only the few values that hold something are taken apart and put back."""
    found = as_mask(pc.match_substring_regex(texts, pattern=any_of))
    if not found.any():
        return texts
    chosen = texts.filter(pa.array(found))
    for pattern, replacement in rules:
        chosen = pc.replace_substring_regex(chosen, pattern=pattern, replacement=replacement)
    return pc.replace_with_mask(texts, pa.array(found), chosen)
