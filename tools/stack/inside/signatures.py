"""Whether a request is signed with credentials that this emulator gave out, computed as AWS's own clients sign.

Signature Version 4 for API requests, IAM User Guide:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack import app
from ministack.core import iam_evaluator, responses, sigv4

_HASH = re.compile(r"[0-9a-f]{64}")
_DOES_NOT_MATCH = ("SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)
_NOT_SIGNED = ("MissingAuthenticationToken", "Request is missing Authentication Token")
# The signers of each service: {is it S3, is it in the query string}.
_SIGNERS = {
    (False, False): SigV4Auth,
    (False, True): SigV4QueryAuth,
    (True, False): S3SigV4Auth,
    (True, True): S3SigV4QueryAuth,
}


@dataclass(frozen=True)
class Request:
    """A request as it arrived; ``path`` and ``query`` are not decoded, the names of headers are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_presigned(self) -> bool:
        """Whether the signature is in the query string."""
        return "authorization" not in self.headers and "X-Amz-Signature=" in self.query


def failure(request: Request) -> tuple[str, str] | None:
    """Return the code and message of a refusal, or None if the signature is right and in time."""
    if not request.is_presigned and not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        return _NOT_SIGNED
    parameters = parse_qs(request.query, keep_blank_values=True)
    signature = (
        sigv4.parse_query_signature(parameters)
        if request.is_presigned
        else sigv4.parse_header_signature(request.headers)
    )
    if isinstance(signature, tuple):
        return signature
    late = _late(signature, parameters) if request.is_presigned else sigv4.request_time_failure(signature)
    if late:
        return late
    credential = _credential(request, signature.access_key_id, parameters)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return credential.code, credential.message
    expected = _signature(request, signature, credential.secret_access_key)
    return None if hmac.compare_digest(expected, signature.signature) and _body_is(request) else _DOES_NOT_MATCH


def _late(signature: sigv4.HeaderSignature, parameters: dict[str, list[str]]) -> tuple[str, str] | None:
    try:
        expired = sigv4.presigned_request_is_expired(signature.amz_date, parameters["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        expired = True
    return ("RequestExpired", "Request has expired") if expired else None


def _credential(
    request: Request, key: str, parameters: dict[str, list[str]]
) -> iam_evaluator.ResolvedCredential | iam_evaluator.CredentialResolutionError:
    token = (
        parameters.get("X-Amz-Security-Token", [""])[0]
        if request.is_presigned
        else request.headers.get("x-amz-security-token", "")
    )
    if iam_evaluator.is_root_access_key(key):
        account = key if key.isdigit() else responses.get_account_id()
    else:
        account = responses._account_from_sts_session(key) or app._request_account_scope(key)
    return iam_evaluator.resolve_credential(key, account, token)


def _signature(request: Request, signature: sigv4.HeaderSignature, secret: str) -> str:
    """Sign the request again; only the headers that the caller has signed go in."""
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = urlencode([pair for pair in pairs if pair[0] != "X-Amz-Signature"]).replace("+", "%20")
    again = AWSRequest(method=request.method, url=f"http://host{request.path}?{query}", data=request.body)
    for name in signature.signed_headers.split(";"):
        again.headers[name] = request.headers.get(name, "")
    again.context["timestamp"] = signature.amz_date
    # Over plain HTTP, a body that is signed says so in a header of its own.
    signer = _SIGNERS[signature.service == "s3", request.is_presigned](
        Credentials(signature.access_key_id, secret), signature.service, signature.region
    )
    text = signer.string_to_sign(again, signer.canonical_request(again))
    signed: str = signer.signature(text, again)
    return signed


def _body_is(request: Request) -> bool:
    """Whether the body is the one that a signed hash is of."""
    claimed = request.headers.get("x-amz-content-sha256", "")
    return not _HASH.fullmatch(claimed) or hashlib.sha256(request.body).hexdigest() == claimed
