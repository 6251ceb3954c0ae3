"""One line of text, as profiles hold it. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Line = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f\x80-\x9f\u2028\u2029]*\Z", max_length=4096)]
