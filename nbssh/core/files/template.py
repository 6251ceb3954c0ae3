"""What every template is given: a typed struct whose fields are its variables. Loads no template engine."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """The variables of the `templates` (paths below templates/) that a subclass names; a test compares the two."""

    templates: ClassVar[tuple[str, ...]] = ()
