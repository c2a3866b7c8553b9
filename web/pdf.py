"""Making a PDF. What is in it comes as data and is never read as markup. Heavy: to be called in a thread."""

import json
from collections.abc import Mapping
from typing import Any

PDF = "application/pdf"


def typeset(source: str, said: Mapping[str, Any]) -> bytes:
    """The document of this Typst source, which finds `said` as JSON in `sys.inputs.data`."""
    import typst  # heavy

    made: bytes = typst.compile(
        source.encode(), sys_inputs={"data": json.dumps(said)}, ignore_system_fonts=True
    )
    return made
