"""The table of `add`'s options: it fits the model, and all that is made of it agrees with it."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import msgspec
import pytest
import typer

from nbssh.cli.app import app
from nbssh.cli.options import with_options
from nbssh.commands.completions import read_tree
from nbssh.core.files.render import templates_dir
from nbssh.core.profile import options, scheduler, schema
from nbssh.core.profile import profile as model
from nbssh.core.profile.app import PROGRAMS
from nbssh.core.profile.options import OPTIONS, Option
from nbssh.core.profile.profile import Profile, Scheduler, from_dict
from nbssh.errors import Exit, NbsshError
from nbssh.steps.request import Wish

# keys that are said by the destination, found on the server, or only written into the file
ELSEWHERE = {
    "destination",
    "ssh_options",
    "fast_start",
    "environment",
    "open_path",
    "server",
    "scheduler.via",
    "forward_agent",
    "node_submits",
    "carried",
    "forward_x11",
    "delegate_credentials",
}
GIVEN: dict[str, tuple[Any, Any]] = {
    "--port": (8890, 8890),
    "--also": (["6006", "8787"], ["6006", "8787"]),
    "--jupyter": ("/opt/jupyter-lab", "/opt/jupyter-lab"),
    "--app": ("notebook", "notebook"),
    "--dir": ("work", "work"),
    "--server-dir": ("/scratch/me", "/scratch/me"),
    "--setup": (["module load a", "b"], ["module load a", "b"]),
    "--setup-shell": ("bash -l", ["bash", "-l"]),
    "--forward": ("tcp", "tcp"),
    "--remote-port": (10080, 10080),
    "--scheduler": ("slurm", "slurm"),
    "--job-option": (["--mem=4G"], ["--mem=4G"]),
    "--adopt": (True, True),
    "--idle": (1.5, 1.5),
    "--after-idle": ("sudo -n poweroff", "sudo -n poweroff"),
    "--persist": ("1h", "1h"),
    "--no-browser": (True, False),
    "--token": (True, "token"),
}
ROWS = pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.flag)


def keys_of_the_model() -> set[str]:
    flat = set(Profile.__struct_encode_fields__) - {"scheduler"}
    return flat | {f"scheduler.{key}" for key in Scheduler.__struct_encode_fields__}


def profile_with(*rows: Option) -> Profile:
    keys = options.said({row.parameter: GIVEN[row.flag][0] for row in rows})
    return from_dict(options.nested({"destination": "box", "port": 8888, **keys}), "test")


def with_needs(row: Option) -> list[Option]:
    return [row, *(other for other in OPTIONS if other.key == row.needs)]


def test_every_key_of_the_model_has_one_row() -> None:
    keys = [row.key for row in OPTIONS]
    assert len(keys) == len(set(keys))
    assert set(keys) | ELSEWHERE == keys_of_the_model()
    assert not set(keys) & ELSEWHERE


@ROWS
def test_the_choices_are_the_models(row: Option) -> None:
    if row.key == "app":
        described = {path.stem for path in (templates_dir() / "apps").glob("*.toml")}
        assert set(row.choices) == {*PROGRAMS, *described}
        return
    models = {"forward": model.Forward, "scheduler.kind": scheduler.Kind}
    assert row.choices == (get_args(models[row.key]) if row.key in models else ())


@ROWS
def test_a_default_that_the_help_names_as_a_choice_is_the_models(row: Option) -> None:
    if row.default in row.choices:
        defaults = {field.name: field.default for field in msgspec.structs.fields(Profile)}
        assert row.default == defaults[row.key]


@ROWS
def test_what_is_said_is_in_the_profile_and_is_compared(row: Option) -> None:
    given, wanted = GIVEN[row.flag]
    needed = with_needs(row)
    said = options.said({each.parameter: GIVEN[each.flag][0] for each in needed})
    assert said[row.key] == wanted
    assert said == Wish.of("box", **{each.parameter: GIVEN[each.flag][0] for each in needed}).said
    assert options.differing(said, profile_with(*needed)) == []
    other = profile_with(*(each for each in needed if each is not row and row.needs != each.key))
    assert row.key in options.differing(said, other)
    assert given is not None


@ROWS
def test_what_is_not_said_leaves_the_models_default(row: Option) -> None:
    nothing = {"number": 0, "lines": [], "flag": False}.get(row.kind)
    assert options.said({row.parameter: nothing}) == {}


def test_all_at_once_and_in_the_order_of_the_help() -> None:
    # what `adopt` uses is as it is, and a job ends by itself
    together = [row for row in OPTIONS if row.key not in {"adopt", "after_idle"}]
    profile = profile_with(*together)
    assert options.differing({row.key: GIVEN[row.flag][1] for row in together}, profile) == []
    (add,) = (command for command in read_tree(typer.main.get_command(app)) if command.name == "add")
    flags = [option.flags[-1] for option in add.options]
    assert flags[: len(OPTIONS)] == [row.flag for row in OPTIONS]


@ROWS
def test_completions_offer_its_choices(row: Option) -> None:
    (add,) = (command for command in read_tree(typer.main.get_command(app)) if command.name == "add")
    (option,) = (option for option in add.options if row.flag in option.flags)
    assert (option.value.choices if option.value else ()) == row.choices
    assert (option.value is None) == (row.kind == "flag")
    assert option.repeatable == (row.kind == "lines")


@ROWS
def test_the_schema_describes_it_as_the_table_does(row: Option) -> None:
    if row.about:
        key = row.key.partition(".")[0]  # of a table its first row speaks
        assert schema.schema()["properties"][key]["description"] == row.about


@pytest.mark.parametrize(
    ("given", "message", "code"),
    [
        ({"forward": "\x1b[2J"}, r"--forward \x1b[2J: there is no such forward", Exit.USAGE),
        ({"scheduler": "nqs"}, "--scheduler nqs: there is no such scheduler", Exit.USAGE),
        ({"setup_shell": "bash '"}, "--setup-shell bash ': no closing quotation", Exit.USAGE),
        ({"job_option": ["-x"]}, "--job-option needs --scheduler", Exit.FAILED),
    ],
)
def test_a_mistake_names_the_option(given: dict[str, Any], message: str, code: Exit) -> None:
    with pytest.raises(NbsshError) as caught:
        options.said(given)
    assert (caught.value.message, caught.value.code) == (message, code)


def test_a_word_that_is_no_option_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no option of add: jupiter"):
        options.said({"jupiter": "/x"})


def test_a_new_row_is_an_option_of_the_command_line_by_itself() -> None:
    row = Option(flag="--beside", key="beside", kind="lines", metavar="WORD", help="One more word; repeatable")
    later, given = typer.Typer(), dict[str, Any]()

    @with_options([row])
    def add(context: typer.Context, name: str, *, yes: bool = False, **options: Any) -> None:  # noqa: ANN401
        given.update(options, name=name, yes=yes, context=context.info_name)

    later.callback()(lambda: None)
    later.command("add")(add)
    assert list(inspect.signature(add).parameters) == ["context", "name", "beside", "yes"]
    typer.main.get_command(later)(["add", "x", "--beside", "1", "--beside", "2"], standalone_mode=False)
    assert given == {"beside": ["1", "2"], "name": "x", "yes": False, "context": "add"}
