"""Text and binary payloads, and what ``contentHandling`` makes of them.

Content type conversions in API Gateway:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

from __future__ import annotations

import base64

from ministack.services import apigateway_v1 as v1

TO_TEXT, TO_BINARY = "CONVERT_TO_TEXT", "CONVERT_TO_BINARY"


def is_binary(media_types: str, api_id: str) -> bool:
    """Whether the API takes a media type for binary; of several, as ``Accept`` has them, the first counts."""
    binary = (v1._rest_apis.get(api_id) or {}).get("binaryMediaTypes")
    return bool(v1._media_type_matches(media_types.split(",", 1)[0], binary))


def converted(payload: bytes, binary: bool, handling: str | None) -> bytes:
    """Convert binary data to base64, and text, which is taken for base64, to binary data.

    Raises
    ------
    ValueError
        If a text is not base64.
    """
    if binary and handling == TO_TEXT:
        return base64.b64encode(payload)
    return base64.b64decode(payload) if not binary and handling == TO_BINARY else payload
