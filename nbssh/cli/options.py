"""Options that several commands share, and the context as the global options want it."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.adapters.terminal.ui import When
    from nbssh.core.files.overlay import Source
    from nbssh.core.profile.options import Kind, Option
    from nbssh.steps.context import Context

Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.", show_default=False)]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Profiles; all of them if none is named.", show_default=False),
]
Destination = Annotated[
    str,
    typer.Argument(
        metavar="DESTINATION",
        help="An alias of your ~/.ssh/config, user@host[:port], or your 'ssh -L …' in quotes.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Offline = Annotated[bool, typer.Option("--offline", help="Contact no host.")]
Everywhere = Annotated[
    bool, typer.Option("--everywhere", help="Remove the host's files even if another laptop uses them.")
]
Token = Annotated[bool, typer.Option("--token", help="A random token instead of a password.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the notebook password from stdin.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show programs, files and steps, with times.")]

_TYPES: dict[Kind, tuple[Any, object]] = {
    "text": (str | None, None),
    "number": (int | None, None),
    "hours": (float | None, None),
    "lines": (list[str] | None, None),
    "words": (str | None, None),
    "flag": (bool, False),
}


def context(ctx: typer.Context, *, yes: bool = False) -> Context:
    """Return what the command may touch, talking as the global options say."""
    from nbssh.adapters.terminal.ui import Ui  # noqa: PLC0415  commands import late, so that --help is fast
    from nbssh.core.files.overlay import OVERLAY  # noqa: PLC0415
    from nbssh.steps.context import Context  # noqa: PLC0415
    from nbssh.wings import way_of  # noqa: PLC0415

    made = Context(ui=Ui(when=cast("When", ctx.obj or "auto"), yes=yes), way_of=way_of)

    def hers() -> tuple[Source, ...]:
        from nbssh.adapters.laptop import her_templates  # noqa: PLC0415  for what renders something

        return her_templates.read(made.paths)

    OVERLAY.lay(hers)
    return made


def be_verbose(*, verbose: bool) -> None:
    """Show from here on what is done, if that was asked for."""
    if verbose:
        from nbssh.adapters.terminal import trace  # noqa: PLC0415

        trace.show()


def with_verbose(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with the global option -v, which may so come after the command too."""

    @functools.wraps(command)
    def verbosely(*arguments: Any, verbose: bool, **options: Any) -> None:  # noqa: ANN401  whatever `command` takes
        be_verbose(verbose=verbose)
        command(*arguments, **options)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameter = inspect.Parameter("verbose", kind, default=False, annotation=Verbose)
    return _described(verbosely, [*inspect.signature(command, eval_str=True).parameters.values(), parameter])


def with_options(table: Sequence[Option]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what lets a command take the options of `table`, after its arguments, by the name of each parameter."""
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(option.parameter, kind, default=default, annotation=Annotated[annotation, _declared(option)])
        for option in table
        for annotation, default in [_TYPES[option.kind]]
    ]

    def taking(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())
        arguments = [each for each in own if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        return _described(command, [*arguments, *added, *(each for each in own if each.kind is kind)])

    return taking


def _declared(option: Option) -> Any:  # noqa: ANN401  what Typer makes of it
    if option.kind == "flag":
        return typer.Option(option.flag, help=option.told)
    return typer.Option(option.flag, metavar=option.metavar, help=option.told, show_default=False)


def _described(function: Callable[..., None], parameters: Sequence[inspect.Parameter]) -> Callable[..., None]:
    """Return `function` as one that takes `parameters`, for Typer; their annotations are values, not strings."""
    function.__dict__["__signature__"] = inspect.Signature(parameters)
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function
