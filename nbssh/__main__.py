"""The entry point: parse, run, map every failure to its message and exit code."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
from typing import Any, TextIO

from nbssh import __version__
from nbssh.errors import Exit, NbsshError, of_the_machine


class _UnwrittenError(OSError):
    """Stdout could not be written: a full disk below `nbssh list >file`, and no fault of ours."""


class _Stdout(io.FileIO):
    """Stdout, whose failures are told from those of all other files."""

    def write(self, data: Any) -> int:  # noqa: ANN401  whatever has bytes
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _UnwrittenError(error.errno, error.strerror) from error


def main() -> None:
    """Run nbssh and exit with its status."""
    # started with a closed stdout or stderr, `nbssh list >&-`, Python has none at all
    sys.stdout = _told_apart(sys.stdout) if sys.stdout else _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that it cannot encode is written as an escape
            stream.reconfigure(errors="backslashreplace")
    if sys.platform == "win32":
        from nbssh.windows import console  # noqa: PLC0415  for Windows alone

        console.prepare()
    status: int = Exit.FAILED
    with contextlib.suppress(OSError):  # a stderr that cannot be written: nobody can be told
        status = _run(sys.argv[1:])
    try:
        sys.stderr.flush()
    except OSError:  # a full disk; at exit Python would try again, and put a status of its own in place of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        sys.stderr = _nowhere()
    sys.exit(status)


def _told_apart(stdout: TextIO) -> TextIO:
    if sys.platform == "win32" or stdout is not sys.__stdout__ or stdout.isatty():
        return stdout
    at_once = isinstance(stdout, io.TextIOWrapper) and (stdout.line_buffering or stdout.write_through)
    raw = io.BufferedWriter(_Stdout(stdout.fileno(), "w", closefd=False))
    return io.TextIOWrapper(raw, encoding=stdout.encoding, line_buffering=at_once)


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _run(arguments: list[str]) -> int:
    try:
        status = _answer(arguments)
        sys.stdout.flush()  # here, where a reader that has gone can still be handled
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return _unread()
    except _UnwrittenError as error:
        _forget_stdout()
        return _say(NbsshError(f"stdout cannot be written: {error.strerror}", "look for space: df -h"), arguments)
    except SystemExit as error:
        # the command line parser's own way out of a broken pipe
        if isinstance(error.__context__, OSError):
            return _unread()
        raise
    return status


def _answer(arguments: list[str]) -> int:
    while arguments[:1] == ["help"]:  # as one says it to git and others
        arguments = [*arguments[1:], "--help"]
    if arguments == ["version"]:
        arguments = ["--version"]
    if arguments in (["--version"], ["-V"]):
        print(f"nbssh {__version__}")  # noqa: T201  the fastest answer: no import at all
        return Exit.DONE
    from nbssh.adapters.terminal.ending import in_order  # noqa: PLC0415

    with in_order():
        return _command(arguments)


def _command(arguments: list[str]) -> int:
    try:
        from typer.main import get_command  # noqa: PLC0415  70 ms

        from nbssh.cli.app import app  # noqa: PLC0415
        from nbssh.cli.quick import only, spare_conversions  # noqa: PLC0415

        status = spare_conversions(get_command(only(app, arguments)))(
            arguments, prog_name="nbssh", standalone_mode=False
        )
    except NbsshError as error:
        return _say(error, arguments)
    except (BrokenPipeError, _UnwrittenError):
        raise
    except Exception as error:  # noqa: BLE001  the funnel
        return _foreign(error, arguments)
    if status == Exit.INTERRUPTED:  # Typer's way to tell of a Ctrl-C
        return _interrupted()
    return status if isinstance(status, int) else Exit.DONE


def _unread() -> int:
    """Go quietly: the reader of our output has seen enough."""
    _forget_stdout()
    return Exit.DONE


def _forget_stdout() -> None:
    """Keep Python from writing the rest again at exit, and from complaining about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(error: NbsshError, arguments: list[str]) -> int:
    """Print the failure as the global options want it, with `--json` as JSON too: a program reads our stdout then."""
    from nbssh.adapters.terminal.ui import Ui  # noqa: PLC0415  only for a failure

    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    colors = [word for option, word in itertools.pairwise(options) if option == "--color"]
    colors += [option.removeprefix("--color=") for option in options if option.startswith("--color=")]
    ui = Ui(when="always" if "always" in colors else "never" if "never" in colors else "auto")
    ui.error(error)
    if "--json" in options:
        ui.json(errors=[{"error": error.message, "hint": error.hint}])
    return error.code


def _interrupted() -> int:
    print("nbssh: interrupted", file=sys.stderr)  # noqa: T201
    return Exit.INTERRUPTED


def _foreign(error: Exception, arguments: list[str]) -> int:
    """Handle what the command line parser raises (its classes are private to Typer), and bugs."""
    try:
        from nbssh.adapters.laptop.this_system import SYSTEM  # noqa: PLC0415  only for a failure
    except ImportError:  # an installation that is half gone
        return _bug(error, arguments)
    if known := of_the_machine(error, SYSTEM.at_its_end):
        return _say(known, arguments)
    if type(error).__name__ == "Abort":
        return _interrupted()
    if type(error).__name__ == "Exit":
        return int(getattr(error, "exit_code", Exit.DONE))
    if hasattr(error, "format_message"):
        message = str(error.format_message()).strip().rstrip(".")
        path = getattr(getattr(error, "ctx", None), "command_path", "") or "nbssh"
        hint = SYSTEM.misquoted(arguments) or _which(error, path, arguments) or f"see: {path} --help"
        return _say(NbsshError(f"{message[:1].lower()}{message[1:]}", hint, code=Exit.USAGE), arguments)
    return _bug(error, arguments)


def _which(error: Exception, path: str, arguments: list[str]) -> str:
    """Return what to type where a profile's name is missing, or stands for a command; nothing elsewhere."""
    is_name = getattr(getattr(error, "param", None), "metavar", "") == "NAME"
    missing = type(error).__name__ == "MissingParameter" and is_name and not path.endswith((" add", " render"))
    group = hasattr(getattr(getattr(error, "ctx", None), "command", None), "commands")
    unknown = type(error).__name__ == "UsageError" and group  # all that a group itself refuses so: its command
    if not missing and not unknown:
        return ""
    from nbssh.adapters.laptop import store  # noqa: PLC0415  only for a failure
    from nbssh.adapters.laptop.paths import Paths  # noqa: PLC0415

    names: list[str] = []
    with contextlib.suppress(NbsshError):
        names = store.names(Paths.of_user())
    if unknown:
        said = next((word for word in arguments if not word.startswith("-")), "")
        return f"open it: nbssh open {said}" if said in names else ""
    if not names:
        return ""
    said = "it" if len(names) == 1 else f"one of {', '.join(names)}"
    return f"name {said}: {path} {names[0]}"


def _bug(error: Exception, arguments: list[str]) -> int:
    """Write a report where it can be sent from, and say where; on stderr if it cannot be written. Never raises."""
    said, text, hint = type(error).__name__, "", "please report it with the text above"
    try:
        from nbssh.adapters.laptop import buglog  # noqa: PLC0415  only for a bug
        from nbssh.adapters.laptop.paths import Paths  # noqa: PLC0415

        said, text = buglog.described(error), buglog.report(error, arguments)
        log = Paths.of_user().log
        buglog.append(log, text)
        hint = f"please report it with {log}"
    except Exception:  # noqa: BLE001  a full disk, a home that is none, or an installation that is half gone
        _show_bug(error, text)
    with contextlib.suppress(Exception):
        _say(NbsshError(f"this is a bug in nbssh: {said}", hint), arguments)
    return Exit.BUG


def _show_bug(error: Exception, text: str) -> None:
    import traceback  # noqa: PLC0415

    with contextlib.suppress(Exception):
        from nbssh.adapters.terminal import screen  # noqa: PLC0415

        screen.write(sys.stderr, text or "".join(traceback.format_exception(error)))


if __name__ == "__main__":
    main()
