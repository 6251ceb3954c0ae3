"""The picture of a session shows the README's transcript of today."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from picture import PICTURE, REPOSITORY, svg, transcript

NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_that_of_the_transcript() -> None:
    assert PICTURE.read_text(encoding="utf-8") == svg(transcript()), "make picture"
    assert "](docs/session.svg)" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_each_line_of_the_transcript_can_be_read_in_it() -> None:
    root = ET.fromstring(svg(transcript()))  # noqa: S314  our own text
    shown = "".join("".join(text.itertext()) for text in root.iter(f"{NAMESPACE}text"))
    for line in transcript():
        assert line in shown
    assert {"typed", "plus"} <= {span.get("class") for span in root.iter(f"{NAMESPACE}tspan")}
