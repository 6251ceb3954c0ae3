"""Draws docs/session.svg, a session as the README has it, where a test keeps it true: `make picture`."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from xml.sax.saxutils import escape

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURE = REPOSITORY / "docs" / "session.svg"
COLUMNS = 104
LINE, CHARACTER, SIZE, MARGIN = 19, 8.2, 13.5, 16  # pixels

STYLE = """
text { white-space: pre; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
rect { fill: #ffffff; stroke: #d0d7de; }
text { fill: #1f2328; } .typed { font-weight: bold; }
.prompt, .plus { fill: #1a7f37; } .minus { fill: #cf222e; } .place { fill: #0969da; }
@media (prefers-color-scheme: dark) {
rect { fill: #0d1117; stroke: #30363d; }
text { fill: #e6edf3; }
.prompt, .plus { fill: #3fb950; } .minus { fill: #f85149; } .place { fill: #58a6ff; }
}
"""
KINDS = (("+++", "plain"), ("---", "plain"), ("+", "plus"), ("-", "minus"), ("@@", "place"))


def transcript() -> list[str]:
    """Return the lines of the README's transcript."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return text.split("<!-- transcript:")[1].split("```console\n")[1].split("\n```")[0].splitlines()


def spans(line: str) -> str:
    """Return a line as marked text: what is typed is bold, a diff has its colours."""
    if line.startswith("$ "):
        return f'<tspan class="prompt">$ </tspan><tspan class="typed">{escape(line[2:])}</tspan>'
    kind = next((kind for start, kind in KINDS if line.startswith(start)), "plain")
    return escape(line) if kind == "plain" else f'<tspan class="{kind}">{escape(line)}</tspan>'


def svg(lines: list[str]) -> str:
    """Return the picture. It follows the reader's light or dark colours by itself."""
    rows = [part for line in lines for part in textwrap.wrap(line, COLUMNS, drop_whitespace=False) or [""]]
    width, height = int(COLUMNS * CHARACTER) + 2 * MARGIN, len(rows) * LINE + 2 * MARGIN
    text = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + (number + 1) * LINE - 5}" font-size="{SIZE}">{spans(row)}</text>'
        for number, row in enumerate(rows)
        if row
    )
    box = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    title = "A session: nbssh add mybox, ssh mybox-nb, nbssh status, ssh mybox-nb-kill"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n{text}\n</svg>\n'
    )


def main() -> None:
    """Write it."""
    PICTURE.write_text(svg(transcript()), encoding="utf-8")
    sys.stderr.write(f"make: {PICTURE.relative_to(REPOSITORY)} is drawn\n")


if __name__ == "__main__":
    main()
