"""A pasted `ssh -L …` command, from a manual, a history or a terminal: what of it counts. Pure text."""

from __future__ import annotations

import contextlib
import getopt
import itertools
import re
import shlex

import msgspec

from nbssh.core.profile import also
from nbssh.core.ssh.destination import Destination, parse, refused
from nbssh.core.text import printable
from nbssh.errors import NbsshError

# ssh(1) of OpenSSH 10: options without and with an argument
_FLAGS = "46AaCfGgKkMNnqsTtVvXxYy"
_WITH_ARGUMENT = "BbcDEeFIiJLlmOoPpQRSWw"
_LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]", ""}
# Options of the command line and the ssh_config(5) keyword that says the same
_KEYWORD = {
    "-i": "IdentityFile",
    "-J": "ProxyJump",
    "-b": "BindAddress",
    "-c": "Ciphers",
    "-m": "MACs",
    "-I": "PKCS11Provider",
}
_FLAG_KEYWORD = {
    "-4": "AddressFamily=inet",
    "-6": "AddressFamily=inet6",
    "-a": "ForwardAgent=no",
    "-C": "Compression=yes",
    "-K": "GSSAPIAuthentication=yes",
}
# What the aliases do by themselves: dropping these changes nothing
_IMPLIED = {"-f", "-N", "-n", "-T", "-t", "-q", "-v"}
_OURS = {
    "localforward", "remoteforward", "dynamicforward", "remotecommand", "requesttty", "exitonforwardfailure",
    "permitlocalcommand", "localcommand", "controlmaster", "controlpath", "controlpersist", "clearallforwardings",
    "gatewayports", "sessiontype", "stdinnull", "forkafterauthentication",
    # the profile has keys of its own for them
    "forwardagent", "forwardx11", "forwardx11trusted", "gssapidelegatecredentials",
}  # fmt: skip
# A prompt that was copied along, and programs that do no more than start ssh
_PROMPT = re.compile(
    r"\A[^'\"]*?[$%>#\u276f\u279c]\s*"
    r"(?=(?:exec|command|env|nohup|setsid|time|[A-Z_]+=\S*|(?:\S+[/\\])?(?:auto)?ssh(?:\.exe|pass)?|gcloud|tsh|az|mosh|plink|putty)\s)"
)
_STARTERS = {"exec", "command", "env", "nohup", "setsid", "time"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
# A command on several lines, in several shells; and where another command begins
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")
_ENDS = re.compile(r"[;&|]+\Z|#")
_SSH = re.compile(r"(?:.*[/\\])?ssh(?:\.exe)?\Z", re.IGNORECASE)
# What a PDF or a word processor makes of a hyphen, a blank and quotes
_TYPESET = str.maketrans({
    "\u00a0": " ", "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'",
})  # fmt: skip
_DASHES = re.compile(r"(?<!\S)[\u2010-\u2015\u2212]+")
# Programs with an ssh of their own, and what makes plain ssh do the same
_OTHERS = {
    "gcloud": "gcloud compute config-ssh writes its hosts into your ~/.ssh/config",
    "tsh": "tsh config prints the blocks for your ~/.ssh/config",
    "az": "az ssh config writes the blocks for your ~/.ssh/config",
    "mosh": "give what plain ssh would be told",
    "plink": "give what plain ssh would be told",
    "putty": "give what plain ssh would be told",
}


class Recipe(msgspec.Struct, frozen=True):
    """A destination with what came along in a pasted command; `dropped` are words that were not taken over.

    `also` are further forwards, as a profile has them.
    `jump` is the gateway of a recipe with two hops, `ssh gateway -L … ssh node -L …`.
    """

    destination: Destination
    options: tuple[str, ...] = ()
    local_port: int = 0
    remote_port: int = 0
    dropped: tuple[str, ...] = ()
    jump: str = ""
    also: tuple[str, ...] = ()


def parse_recipe(text: str) -> Recipe:
    """Return what `text` says, whether a plain destination or a whole pasted ssh command."""
    words = _command(text)
    return _recipe(words, text) if words else Recipe(parse(text))


def is_command(text: str) -> bool:
    """Tell whether `text` is a whole command, and no destination."""
    return bool(_command(text))


def _command(text: str) -> list[str]:
    """Return the words after `ssh` in a pasted command, and none if `text` is a plain destination."""
    plain = _PROMPT.sub("", _CONTINUED.sub(" ", text.strip()).translate(_TYPESET))
    plain = _DASHES.sub("-", plain).strip()
    if len(plain.split()) < 2 and not _SSH.match(plain):  # noqa: PLR2004  a command has two words
        return []
    try:
        words = _split_words(plain)
    except ValueError as error:
        raise refused(text, f"its quotes do not match ({str(error).lower()})") from None
    program, *rest = itertools.dropwhile(_starts, [*words, ""])
    if program in _OTHERS:
        raise NbsshError(f"'{program}' is no ssh, and nbssh uses the ssh of your system", _OTHERS[program])
    if program == "sshpass":
        raise NbsshError(
            "nbssh takes no password from a command line; ssh asks for it", "give the command from 'ssh' on, in quotes"
        )
    if program == "autossh":
        return ["-N", *_without_monitor(rest)]
    if not _SSH.match(program) and words[1:]:
        raise refused(text, f"it has several words, and '{printable(program, 30)}' is not ssh")
    return rest if _SSH.match(program) else []


def _split_words(command: str) -> list[str]:
    """Return the words of a command as a shell sees them, `;`, `&&` and the like as words of their own."""
    split = shlex.shlex(command, posix=True, punctuation_chars=";&|")
    split.whitespace_split = True
    split.commenters = ""  # one would count inside a word too
    return list(split)


def _starts(word: str) -> bool:
    return word in _STARTERS or bool(_ASSIGNMENT.match(word))


def _without_monitor(words: list[str]) -> list[str]:
    """Return autossh's words without its own -M PORT."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-M":
            next(rest, None)
        elif not re.match(r"-M\d", word):
            kept.append(word)
    return kept


def _recipe(words: list[str], text: str) -> Recipe:
    words, rest = _first_command([word for word in words if word])
    options, operands = _split(words, text)
    destination = parse(operands[0])
    taken: list[str] = []
    dropped: list[str] = []
    ports, more = (0, 0), list[str]()
    for flag, value in map(_as_flag, options):
        found = _forward_ports(value) if flag == "-L" else None
        entry = _entry(value) if flag == "-L" else ""
        if found and ports == (0, 0):
            ports = found
        elif entry:
            more.append(entry)
        elif flag == "-p":
            destination = msgspec.structs.replace(destination, port=parse(f"x:{value}").port)
        elif flag == "-l":
            destination = msgspec.structs.replace(destination, user=parse(f"{value}@x").user)
        elif option := _as_option(flag, value):
            taken.append(option)
        elif flag not in _IMPLIED:
            dropped.append(f"{flag} {printable(value, 60)}".rstrip())
    here = Recipe(destination, tuple(taken), *ports, (*dropped, *rest), also=tuple(more))
    if onward := _onward(operands[1:]):
        return _two_hops(here, _recipe(onward, text))
    if operands[1:]:
        command = f"the remote command '{printable(' '.join(operands[1:]), 60)}'"
        here = msgspec.structs.replace(here, dropped=(command, *here.dropped))
    return here


def _first_command(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words before the first `;`, `&&` or comment, and what to say of those behind it, if any."""
    end = next((at for at, word in enumerate(words) if _ENDS.match(word)), len(words))
    rest = words[end:]
    return words[:end], [f"what follows: '{printable(' '.join(rest), 60)}'"] if rest[1:] else []


def _onward(command: list[str]) -> list[str]:
    """Return the words after `ssh` in a remote command, which its shell splits again; none if it is another."""
    with contextlib.suppress(ValueError):  # quotes that do not match
        program, *rest = itertools.dropwhile(_starts, [*_split_words(" ".join(command)), ""])
        if _SSH.match(program):
            return rest
    return []


def _jumps(recipe: Recipe) -> tuple[list[str], list[str]]:
    """Return the jump hosts of a recipe, and its other options."""
    jumps = [option.partition("=")[2] for option in recipe.options if option.startswith("ProxyJump=")]
    return jumps, [option for option in recipe.options if not option.startswith("ProxyJump=")]


def _two_hops(gateway: Recipe, node: Recipe) -> Recipe:
    """Return one connection to `node` through `gateway` for a forward to the gateway and one from there on."""
    before, others = _jumps(gateway)
    between, options = _jumps(node)
    jump = ",".join([*before, gateway.destination.bracketed, *between])
    lost = [f"-o {option}" for option in others]
    # a forward to the gateway and the one that goes on from its end
    onward = {entry.local: entry.far for entry in also.read(node.also, "")}
    more = []
    for entry in also.read(gateway.also, ""):
        far = onward.get(entry.far_port) if entry.far.startswith("127.0.0.1:") else None
        if far:
            more.append(str(also.Also(entry.local, far)))
        else:
            lost.append(f"-L {entry}")
    return Recipe(
        node.destination,
        (*options, f"ProxyJump={jump}"),
        gateway.local_port or node.local_port,
        node.remote_port or gateway.remote_port,
        (*gateway.dropped, *(f"{option} (of {gateway.destination})" for option in lost), *node.dropped),
        jump,
        tuple(more),
    )


def _as_flag(option: tuple[str, str]) -> tuple[str, str]:
    """Return `-o LocalForward=6006 host:6006` as the `-L 6006:host:6006` that says the same, others as they are."""
    flag, value = option
    if flag == "-o" and _keyword(value) == "localforward":
        return "-L", ":".join(re.split(r"[\s=]+", value.strip())[1:])
    return option


def _entry(value: str) -> str:
    """Return `[bind:]port:host:hostport` or `[bind:]port:/socket` as an entry of `also`, empty if it cannot be one."""
    match = re.match(r"(?:(?:\[[^\]]*\]|[^:\[\]/]*):)?(\d+):(/.*|(\[[^\]]*\]|[^:\[\]/]*):\d+)\Z", value)
    if not match:
        return ""
    far = match[2].rpartition(":")[2] if match[3] in _LOOPBACK else match[2]
    try:
        return str(also.parse(f"{match[1]}:{far}", value))
    except NbsshError:
        return ""


def _as_option(flag: str, value: str) -> str:
    """Return the `Keyword=value` that says the same as a flag, nothing if there is none or our aliases set it."""
    if flag in _KEYWORD:
        return f"{_KEYWORD[flag]}={value}"
    if flag == "-o" and _keyword(value) not in _OURS:
        return value
    return _FLAG_KEYWORD.get(flag, "")


def _split(words: list[str], text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return options and operands; as ssh does, options may follow the destination until a command begins."""
    spec = _FLAGS + "".join(letter + ":" for letter in _WITH_ARGUMENT)
    try:
        options, operands = getopt.getopt(words, spec)
        if operands[1:] and operands[1].startswith("-"):
            more, command = getopt.getopt(operands[1:], spec)
            options, operands = options + more, [operands[0], *command]
    except getopt.GetoptError as error:
        raise refused(text, str(error)) from None
    if not operands:
        raise refused(text, "the command names no host")
    return options, operands


def _keyword(option: str) -> str:
    return re.split(r"[\s=]", option.strip(), maxsplit=1)[0].lower()


def _forward_ports(value: str) -> tuple[int, int] | None:
    """Return (local port, remote port) of `[bind:]port:host:hostport` if it ends on the host itself; otherwise None."""
    match = re.match(r"(?:(?:\[[^\]]*\]|[^:\[\]]*):)?(\d+):(\[[^\]]*\]|[^:\[\]]*):(\d+)\Z", value)
    if not match or match.group(2) not in _LOOPBACK:
        return None
    return int(match.group(1)), int(match.group(3))
