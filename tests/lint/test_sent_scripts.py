"""The scripts that are sent over ssh: parameters on top, the same below, nothing a shell or linter stumbles over."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from nbssh.batch.route import TITLES
from nbssh.commands.doctor.there import Doctor
from nbssh.commands.remove import Remove
from nbssh.core.files.render import render
from nbssh.core.files.server_files import parcel
from nbssh.core.profile.profile import Profile, Scheduler
from nbssh.steps.connect import Call
from nbssh.steps.forwarding import ForwardTest
from nbssh.steps.probe import Probe
from nbssh.steps.server_files import Install, Look, Wanted
from nbssh.wings import way_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbssh.core.files.template import Template

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"], ["ksh"]]
EVIL = "$(touch x)`touch x`'\"; touch x #\n%s \\ ${HOME} ünï -n *"
HOME = "/home/alice"


def removing(text: str, kind: str = "") -> Remove:
    scheduler = Scheduler(kind=kind, options=[]) if kind else None  # type: ignore[arg-type]
    profile = Profile(destination="box", port=8888, scheduler=scheduler)
    return Remove(
        name=text, title=text, share=text, data=text, state=text, socket=text, laptop=text, everywhere=text,
        program=text, options=[text], wing=way_of(profile).removing(),
    )  # fmt: skip


def models(text: str) -> dict[str, Template]:
    """Return every script with `text` in all its places."""
    return {
        "remove": removing(text),
        **{f"remove {kind}": removing(text, kind) for kind in TITLES},
        "probe": Probe(
            nonce="0123", want=[text], jupyter=text, dir=text, folder=text, adopt="yes", fast=True, setup=[text],
            setup_shell=[text, "-l"],
        ),
        "forwardtest": ForwardTest(nonce="0123", python=text, path=text, port=0),
        "doctor": Doctor(home=text, share=text, states=text),
        "read": Look(share=text, programs=[Wanted(text, [text])], folders=[text]),
        "call": Call(share=text, name=text, laptop=text, program=text, script=text, words=(text,)),
        "install": Install(
            name=text, share=text, data=text, states=text, program=text,
            parts=[parcel(text, f"{text}\n".encode(), 0o700)],
            files=[parcel(text, f"{text}\n".encode(), 0o600)], deleted=[text], emptied=[text], tidies=True,
            profile=text, sums=[text],
        ),
    }  # fmt: skip


PLAIN, HOSTILE = models(f"{HOME}/x"), models(EVIL)


@pytest.mark.parametrize("script", ["remove", "probe", "forwardtest", "doctor"])
def test_no_parameter_reaches_the_program(script: str) -> None:
    mark = "\nset -eu\n"
    plain, hostile = render(PLAIN[script]), render(HOSTILE[script])
    below = (lambda text: text.split(mark, 1)[1]) if script != "doctor" else (lambda text: text.split("\n\n", 2)[2])
    assert below(plain) == below(hostile)
    assert plain != hostile


@pytest.mark.parametrize("script", PLAIN)
def test_the_same_input_gives_the_same_bytes(script: str) -> None:
    assert render(PLAIN[script]) == render(PLAIN[script])


@pytest.mark.parametrize("script", PLAIN)
def test_the_linters_have_nothing_to_say(script: str, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("shellcheck", "shfmt")
    file = tmp_path / "script"
    file.write_text(render(PLAIN[script]))
    # what is rendered for one call may have loops of one turn, and quotes that it would not need
    excluded = "SC2034,SC2043,SC2088,SC2250,SC2292,SC2310,SC2312,SC2317"
    done = subprocess.run(
        ["shellcheck", "--shell=sh", "--enable=all", f"--exclude={excluded}", str(file)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_every_shell_reads_them(shell: list[str], tmp_path: Path, needs: Callable[..., None]) -> None:
    needs(shell[0])
    for script, model in HOSTILE.items():
        file = tmp_path / script
        file.write_text(render(model))
        done = subprocess.run([*shell, "-n", str(file)], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr  # ksh -n also gives advice
