"""ssh_config of Windows for this system's ssh: copies in which every path is one of this system. For bridge.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

# Options that came later than the oldest release (the release notes of OpenSSH).
SINCE = {
    "setenv": "7.8",
    "casignaturealgorithms": "7.9",
    "securitykeyprovider": "8.2",
    "permitremoteopen": "8.5",
    "knownhostscommand": "8.5",
    "pubkeyacceptedalgorithms": "8.5",
    "hostbasedacceptedalgorithms": "8.5",
    "sessiontype": "8.7",
    "stdinnull": "8.7",
    "forkafterauthentication": "8.7",
    "requiredrsasize": "9.1",
    "enableescapecommandline": "9.2",
    "tag": "9.4",
    "obscurekeystroketiming": "9.5",
    "channeltimeout": "9.7",
}
# Options whose arguments are files, and those of them that ssh looks for below the home.
FILES = {
    "include", "identityfile", "certificatefile", "userknownhostsfile", "globalknownhostsfile", "controlpath",
    "identityagent", "revokedhostkeys",
}  # fmt: skip


def before(release: str, other: str) -> bool:
    """Tell whether `release` is older than `other`."""
    return [int(part) for part in release.split(".")] < [int(part) for part in other.split(".")]


@dataclass
class Drives:
    """The disks of a laptop: `prefix` holds C:, Z: is this system."""

    prefix: Path

    def here(self, name: str) -> str:
        r"""Return where `C:\x` is, whatever the case of its letters; any other name as it is."""
        drive, rest = name[:2].upper(), name[2:].replace("\\", "/")
        if not re.match(r"[A-Za-z]:[\\/]", name):
            return name
        if drive != "C:":
            return rest
        path = self.prefix / "drive_c"
        for part in filter(None, rest.split("/")):
            exact = path / part
            if exact.exists() or not path.is_dir():
                path = exact
                continue
            path = next((each for each in path.iterdir() if each.name.lower() == part.lower()), exact)
        return str(path)

    def there(self, text: str) -> str:
        """Return `text` with the paths of C: as Windows has them."""
        root = str(self.prefix / "drive_c")
        return re.sub(
            re.escape(root) + r"[^\n\"]*", lambda found: "C:" + found[0][len(root) :].replace("/", "\\"), text
        )


@dataclass
class Config:
    """A user's ssh_config and all that it includes, copied into `folder` with paths of this system."""

    drives: Drives
    folder: Path
    home: Path
    release: str
    resolves: bool
    origins: dict[str, str] = field(default_factory=dict)
    refused: str = ""

    def copy(self, path: Path) -> Path:
        """Copy a file and those it includes; one that cannot be read stays what it is."""
        try:
            data = path.read_bytes()
        except OSError:
            return path
        copied = self.folder / f"{len(self.origins)}"
        self.origins[str(copied)] = self.drives.there(str(path))
        lines = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")
        text = "\n".join(self._line(line, number, path) for number, line in enumerate(lines, 1))
        copied.touch(mode=0o600)
        copied.write_bytes(text.encode("utf-8", "surrogateescape"))
        # wine keeps an access list as a mode, in which the user stands as the group too
        copied.chmod(path.stat().st_mode & 0o707)
        return copied

    def _line(self, line: str, number: int, path: Path) -> str:
        found = re.match(r'(\s*"?)([A-Za-z0-9]+)("?(?:\s*=\s*|\s+))(.*?)\s*$', line)
        if not found:
            return line
        keyword = found[2].lower()
        if before(self.release, SINCE.get(keyword, "0")) and not self.refused:
            named = self.drives.there(str(path))
            self.refused = f"{named}: line {number}: Bad configuration option: {keyword}\n"
        if keyword not in FILES or (self.resolves and keyword != "include"):
            return line
        words = [plain or quoted for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', found[4])]
        if keyword != "include" and not any(word != self._file(word) for word in words):
            return line
        if keyword == "include":
            words = [each for word in words for each in self._included(word)]
            return f"{found[1]}Include {' '.join(words)}" if words else ""
        return f"{found[1]}{found[2]}{found[3]}" + " ".join(f'"{self._file(word)}"' for word in words)

    def _included(self, word: str) -> list[str]:
        name = self._file(word)
        pattern = Path(name) if name.startswith("/") else self.home / ".ssh" / name
        found = sorted(pattern.parent.glob(pattern.name)) if pattern.parent.is_dir() else []
        return [f'"{self.copy(path)}"' for path in found]

    def _file(self, word: str) -> str:
        named = self.drives.here(word)
        return f"{self.home}{word[1:]}" if word.startswith(("~/", "~\\")) else named
