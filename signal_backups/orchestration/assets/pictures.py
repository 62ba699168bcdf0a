"""Pictures in the UI."""

import base64

import dagster as dg


def picture(name: str, png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG as metadata: it is part of the text, so the UI needs no file and no URL."""
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})")
