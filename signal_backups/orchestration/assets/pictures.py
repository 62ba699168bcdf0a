"""Pictures in the UI: a PNG as metadata that Dagster shows where it stands."""

import base64

import dagster as dg


def picture(name: str, png: bytes) -> dg.MarkdownMetadataValue:
    """A picture that needs no file and no address: it travels inside the metadata."""
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})")
