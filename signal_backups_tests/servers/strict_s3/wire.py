"""From HTTP to the parameters boto3 was called with, and from results to HTTP, by botocore's model of S3.

Parameters and results are the dictionaries of the boto3 documentation, ``{"Bucket": ..., "Key": ...}``.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse
from botocore.utils import parse_timestamp

from signal_backups_tests.servers.strict_s3.clock import http_date
from signal_backups_tests.servers.strict_s3.state import S3Error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel, Shape, StructureShape

_BUCKET_IN_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-].*amazonaws\.com$")


class _Raw(io.BytesIO):
    """An answer's bytes, with the method by which botocore reads a whole body."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def parameters(operation: OperationModel, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What the client asked for.

    Args:
        operation: which operation it is.
        url: the whole of it, bucket in the host or in the path.
        headers: with lower-case names.
        body: without chunks.
    """
    address = urlsplit(url)
    query = parse_qs(address.query, keep_blank_values=True)
    found: dict[str, Any] = _names(address.hostname or "", unquote(address.path))
    shape: Any = operation.input_shape
    for name, member in shape.members.items():
        place, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "querystring" and wire_name in query:
            found[name] = _scalar(member, query[wire_name][0])
        elif place == "header" and wire_name.lower() in headers:
            found[name] = _scalar(member, headers[wire_name.lower()])
        elif place == "headers":
            prefix = wire_name.lower()
            found[name] = {key.removeprefix(prefix): text for key, text in headers.items() if key.startswith(prefix)}
    payload = shape.serialization.get("payload")
    if payload is not None and (body or shape.members[payload].type_name == "blob"):
        found[payload] = _payload(shape.members[payload], body)
    return found


def answer(operation: OperationModel, url: str, result: Mapping[str, Any], status: int) -> AWSResponse:
    """The HTTP answer that says ``result``; what is None in it is left out."""
    headers: dict[str, str] = {}
    in_body: dict[str, Any] = {}
    body = b""
    shape: StructureShape | None = operation.output_shape
    members: Mapping[str, Shape] = shape.members if shape else {}
    payload = shape.serialization.get("payload") if shape else None
    for name, value in ((name, value) for name, value in result.items() if value is not None):
        member = members[name]
        place, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "header":
            headers[wire_name] = _header(member, value)
        elif place == "headers":
            headers.update({f"{wire_name}{key}": text for key, text in value.items()})
        elif name == payload and member.type_name == "blob":
            body = value
        elif name == payload:
            body = _document(_members(member, value))
        else:
            in_body[name] = value
    if in_body and shape:
        body = _document(_members(shape, in_body))
    headers.setdefault("Content-Length", str(len(body)))
    return AWSResponse(url, status, headers, _Raw(body))


def error_answer(operation: OperationModel, url: str, error: S3Error) -> AWSResponse:
    """The HTTP answer that says an error; the answer to a HEAD has no body to say it in."""
    text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    body = b"" if operation.http["method"] == "HEAD" else text.encode()
    return AWSResponse(url, error.status, {**error.headers, "Content-Length": str(len(body))}, _Raw(body))


def _names(host: str, path: str) -> dict[str, Any]:
    in_host = _BUCKET_IN_HOST.match(host)
    bucket, _, key = (in_host["bucket"], "", path[1:]) if in_host else path[1:].partition("/")
    return {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket}


def _payload(shape: Shape, body: bytes) -> Any:
    if shape.type_name == "blob":
        return body
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - botocore wrote it
    except ElementTree.ParseError as error:
        raise S3Error(400, "MalformedXML", str(error)) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return _value(shape, root)


def _value(shape: Any, element: ElementTree.Element) -> Any:
    if shape.type_name != "structure":
        return _scalar(shape, element.text or "")
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire_name = _element_name(name, member)
        elements = element.findall(wire_name)
        if not elements:
            continue
        if member.type_name != "list":
            found[name] = _value(member, elements[0])
        elif member.serialization.get("flattened"):
            found[name] = [_value(member.member, item) for item in elements]
        else:
            found[name] = [_value(member.member, item) for item in elements[0]]
    return found


def _scalar(shape: Shape, text: str) -> Any:
    if shape.type_name in {"integer", "long"}:
        return int(text)
    if shape.type_name == "boolean":
        return text == "true"
    return parse_timestamp(text) if shape.type_name == "timestamp" else text


def _header(shape: Shape, value: Any) -> str:
    if shape.type_name == "timestamp" and shape.serialization.get("timestampFormat") != "iso8601":
        return http_date(value)
    return _text(shape, value)


def _document(inner: str) -> bytes:
    # botocore looks at what is in the root element, not at its name.
    return f"<Result>{inner}</Result>".encode()


def _members(shape: Any, values: Mapping[str, Any]) -> str:
    parts = []
    for name, value in values.items():
        if value is None:
            continue
        member = shape.members[name]
        tag = _element_name(name, member)
        if member.type_name != "list":
            parts.append(_element(tag, member, value))
        elif member.serialization.get("flattened"):
            parts.extend(_element(tag, member.member, item) for item in value)
        else:
            inner = member.member.serialization.get("name", "member")
            parts.append(f"<{tag}>{''.join(_element(inner, member.member, item) for item in value)}</{tag}>")
    return "".join(parts)


def _element(tag: str, shape: Any, value: Any) -> str:
    inner = _members(shape, value) if shape.type_name == "structure" else escape(_text(shape, value))
    return f"<{tag}>{inner}</{tag}>"


def _element_name(name: str, shape: Any) -> str:
    if shape.type_name == "list" and shape.serialization.get("flattened") and "name" in shape.member.serialization:
        return shape.member.serialization["name"]
    return shape.serialization.get("name", name)


def _text(shape: Shape, value: Any) -> str:
    if shape.type_name == "timestamp":
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return str(value)
