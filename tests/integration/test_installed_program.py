"""The program on a host: whole or not there, one for all profiles, kept while somebody needs it, and what 0.1 had."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY, until
from ports import free_port
from remote_helpers import SHELLS, servers, start_of
from serving import add, api, detach, fake_jupyter, kill, program, run_folder, said, server_pid, start, tree

from nbssh.adapters.laptop import store
from nbssh.core.files.change import is_edited, seal
from nbssh.core.files.program import Part, Program
from nbssh.core.files.render import render
from nbssh.core.files.server_files import parcel
from nbssh.core.profile.profile import RESERVED
from nbssh.core.ssh.include import COMMENT
from nbssh.steps.server_files import Install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed import Bed
    from remote_helpers import Server

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures/0.1/files.tar.xz"
SHARE = ".local/share/nbssh"
OTHER = "1" * 16  # another program, of another version


def share(bed: Bed) -> Path:
    return bed.remote_home / SHARE


def laptop(bed: Bed) -> str:
    return (bed.local_home / ".local/state/nbssh/laptop").read_text().strip()


def other_version(bed: Bed) -> Path:
    """Have the program of another version lie beside ours."""
    folder = share(bed) / "program" / OTHER
    shutil.copytree(program(bed), folder)
    return folder


def register(bed: Bed, laptop: str, program: str, name: str = "box") -> Path:
    file = share(bed) / name / "laptops" / laptop
    file.write_text(f"{program}\n")
    return file


# --- what lies there -------------------------------------------------------------------------------------------------


def test_nothing_of_a_laptop_is_in_a_file_of_the_server(bed: Bed) -> None:
    port = add(bed)
    files = tree(share(bed))
    text = b"".join(files.values())
    assert str(port).encode() not in text
    assert os.fsencode(bed.local_home) not in text
    ours = {path.removeprefix(f"{share(bed)}/") for path in files if "/program/" not in path}
    assert f"box/laptops/{laptop(bed)}" in ours
    assert (share(bed) / "box/laptops" / laptop(bed)).read_text() == f"{program(bed).name}\n"
    assert len((share(bed) / "box/profile").read_text().splitlines()) <= 25
    assert {path.stat().st_mode & 0o777 for path in share(bed).rglob("*") if path.is_file()} <= {0o600, 0o700}


def test_a_second_profile_brings_little(bed: Bed) -> None:
    add(bed)
    before = tree(share(bed))
    bed.nbssh("add", "two", "box", "--token", "--yes", "--port", str(free_port()), "--jupyter", str(fake_jupyter(bed)))
    new = {path: data for path, data in tree(share(bed)).items() if path not in before}
    assert not [path for path in new if "/program" in path]
    assert sum(len(data) for data in new.values()) < 10_400
    assert len((share(bed) / "two/profile").read_bytes()) < 1_500
    assert "already up to date" in bed.nbssh("apply").stderr
    bed.nbssh("remove", "box")
    assert program(bed).is_dir(), "the other profile needs it"
    bed.nbssh("remove", "two")
    assert not share(bed).exists()


def test_a_damaged_program_is_put_right(bed: Bed) -> None:
    add(bed)
    whole = tree(program(bed))
    for harm in ("change", "mode", "missing"):
        launch = program(bed) / "launch"
        match harm:
            case "change":
                launch.write_text(launch.read_text().replace("stay\n", "exit 0\n"))
            case "mode":
                launch.chmod(0o777)
            case _:
                launch.unlink()
        assert bed.run("nbssh", "apply", "--check").returncode == 3
        assert "program there, which was damaged" in bed.nbssh("diff").stdout
        assert "1 files brought up to date" in bed.nbssh("apply").stderr
        assert tree(program(bed)) == whole
        assert (program(bed) / "launch").stat().st_mode & 0o777 == 0o700
        assert [path.name for path in (share(bed) / "program").iterdir()] == [program(bed).name]
        assert bed.run("nbssh", "apply", "--check").returncode == 0


# --- the install -----------------------------------------------------------------------------------------------------

SMALL = Program((Part("launch", b"#!/bin/sh\necho launched\n", 0o700), Part("tidy", b"#!/bin/sh\n", 0o700)))


def installing(home: Path) -> str:
    """Return the script that installs SMALL and a profile's file below `home`."""
    root = home / SHARE
    return render(
        Install(
            name="box", share=str(root), data=f"{root}/box", states=f"{home}/.local/state/nbssh",
            program=f"{root}/program/{SMALL.id}",
            parts=[parcel(part.name, part.data, part.mode) for part in SMALL.parts],
            files=[parcel(f"{root}/box/profile", b"socket /x\n", 0o600)], deleted=[], emptied=[], tidies=False,
            profile=f"{root}/box/profile", sums=[],
        )
    )  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_an_install_that_is_cut_off_changes_nothing(shell: str, tmp_path: Path) -> None:
    home = tmp_path / "it's"
    root = home / SHARE
    script = installing(home)
    lines = script.splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("if [ -d"))
    # up to the line that gives the names; as a whole below, for a compound command is read before it runs
    for number in range(first):
        subprocess.run(SHELLS[shell], input="".join(lines[:number]), text=True, check=False, capture_output=True)
        assert not (root / "program" / SMALL.id).exists()
        assert not (root / "box/profile").exists()
    done = subprocess.run(SHELLS[shell], input=script, text=True, check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name: path.stat().st_mode & 0o777 for path in (root / "program" / SMALL.id).iterdir()} == {
        "launch": 0o700,
        "tidy": 0o700,
    }
    assert (root / "box/profile").read_text() == "socket /x\n"
    left = [path for path in root.rglob("*") if "new" in path.name]
    assert left == []


def test_two_installs_at_once_leave_one_program(tmp_path: Path) -> None:
    home = tmp_path / "h"
    script = installing(home)
    children = [subprocess.Popen(["sh"], stdin=subprocess.PIPE, text=True, stderr=subprocess.PIPE) for _ in range(8)]
    for child in children:
        assert child.stdin
        child.stdin.write(script)
    for child in children:
        child.communicate()
    folder = home / SHARE / "program"
    assert [path.name for path in folder.iterdir()] == [SMALL.id]
    assert {path.name for path in (folder / SMALL.id).iterdir()} == {"launch", "tidy"}


# --- who needs it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def one() -> Iterator[Server]:
    with servers() as make:
        yield make()


def tidied(server: Server) -> set[str]:
    """Run tidy and return the programs that are left."""
    subprocess.run([*server.shell, str(server.program / "tidy")], env=server.env, check=True)
    return {path.name for path in (server.share / "program").iterdir()}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_program_is_kept_while_somebody_needs_it(one: Server, shell: str) -> None:
    one.shell = list(SHELLS[shell])
    ours = one.program.name
    ids = {
        what: str(number) * 16
        for number, what in enumerate(("nobody", "laptop", "record", "session", "pending", "dead"))
    }
    for id_ in ids.values():
        (one.share / "program" / id_).mkdir()
    (one.share / "program" / "not-ours").mkdir()
    (one.data / "laptops").mkdir()
    (one.data / "laptops" / "0123456789abcdef").write_text(f"{ours}\n")
    (one.share / "two/laptops").mkdir(parents=True)
    (one.share / "two/laptops" / "0123456789abcdef").write_text(f"{ids['laptop']}\n{ids['nobody']}\n")
    run = one.run_dir
    (run / "sessions").mkdir(parents=True)
    start, host = start_of(os.getpid()), os.uname().nodename
    record = f"pid {os.getpid()}\nstart {start}\nhost {host}\nprogram {ids['record']}\n"
    (run / "record").write_text(record)
    (run / "sessions" / str(os.getpid())).write_text(f"{start}\n{ids['session']}\n")
    (run / "sessions" / "999999").write_text(f"{start}\n{ids['dead']}\n")
    (one.state / "pending").write_text(f"{ids['pending']}\n")
    alive = {ours, "not-ours", ids["laptop"], ids["nobody"], ids["record"], ids["session"], ids["pending"]}
    assert tidied(one) == alive
    (one.share / "two/laptops" / "0123456789abcdef").write_text(f"{ids['laptop']}\n")
    assert tidied(one) == alive - {ids["nobody"]}
    # nobody can look at a process of another host
    shutil.copytree(run, one.state / "elsewhere")
    (one.state / "elsewhere/record").write_text(
        record.replace(f"host {host}", "host elsewhere").replace("pid ", "pid 1")
    )
    (run / "record").write_text(record.replace(start, "another-boot/1"))
    assert tidied(one) == alive - {ids["nobody"]}
    shutil.rmtree(one.state / "elsewhere")
    assert tidied(one) == alive - {ids["nobody"], ids["record"]}


def test_what_cannot_be_read_may_name_any_program(one: Server) -> None:
    (one.share / "program" / OTHER).mkdir()
    (one.data / "laptops").mkdir()
    (one.data / "laptops" / "0123456789abcdef").mkdir()  # root reads everything else
    assert tidied(one) == {one.program.name, OTHER}


def test_two_versions_lie_side_by_side_until_nobody_needs_one(bed: Bed) -> None:
    add(bed)
    old = other_version(bed)
    theirs = register(bed, "a" * 16, OTHER)
    assert bed.run("nbssh", "apply", "--check").returncode == 0
    bed.nbssh("apply")
    assert old.is_dir()
    # both serve the one Jupyter
    detach(start(bed))
    pid = server_pid(bed)
    there = bed.on_server(f"/bin/sh {old}/status box")
    assert json.loads(there.stdout)["pid"] == pid
    theirs.unlink()
    assert bed.run("nbssh", "apply", "--check").returncode == 0
    assert old.is_dir(), "to look changes nothing"
    bed.nbssh("apply")
    assert not old.exists()
    assert kill(bed)


def test_the_program_of_a_jupyter_that_runs_stays(bed: Bed) -> None:
    add(bed)
    old = other_version(bed)
    detach(start(bed))
    record = run_folder(bed) / "record"
    assert f"program {program(bed, OTHER).name}\n" in record.read_text()
    record.write_text(record.read_text().replace(program(bed, OTHER).name, OTHER))
    bed.nbssh("apply")
    assert old.is_dir()
    kill(bed)
    bed.nbssh("apply")
    assert not old.exists()


def test_an_upgrade_keeps_the_old_program_until_the_aliases_name_the_new_one(bed: Bed) -> None:
    """As if this laptop's aliases named an older version: it goes with the apply that writes the new ones."""
    add(bed)
    new = program(bed)
    old = other_version(bed)
    shutil.rmtree(new)
    register(bed, laptop(bed), OTHER)
    conf = bed.local_home / ".ssh/nbssh.d/box.conf"
    before = seal(conf.read_text().replace(new.name, OTHER))
    conf.write_text(before)
    detach(start(bed))
    pid = server_pid(bed)
    assert "running" in bed.nbssh("status", "box").stdout, "what is there is used before the apply, too"
    # an apply whose second half never comes
    config = bed.local_home / ".ssh/config"
    text = config.read_text()
    config.write_text(text + "Host broken\n    NoSuchOption yes\n")
    assert bed.run("nbssh", "apply", "box").returncode != 0
    config.write_text(text)
    assert conf.read_text() == before
    assert old.is_dir()
    detach(start(bed))
    assert server_pid(bed) == pid
    bed.nbssh("apply", "box")
    assert old.is_dir(), "its Jupyter runs"
    assert is_edited(conf.read_bytes()) is False
    assert OTHER not in conf.read_text()
    session = start(bed)
    assert "is already running on" in said(session)
    assert server_pid(bed) == pid
    detach(session)
    kill(bed)
    bed.nbssh("apply", "box")
    assert not old.exists()


# --- other laptops ---------------------------------------------------------------------------------------------------


def test_remove_leaves_what_another_laptop_uses(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    pid = server_pid(bed)
    register(bed, "a" * 16, program(bed).name)
    done = bed.nbssh("remove", "box")
    assert "another laptop uses 'box' on" in done.stderr
    assert "--everywhere takes them too" in done.stderr
    assert server_pid(bed) == pid
    assert [path.name for path in (share(bed) / "box/laptops").iterdir()] == ["a" * 16]
    assert program(bed).is_dir()
    assert not (bed.local_home / ".ssh/nbssh.d/box.conf").exists()
    add(bed)
    assert (share(bed) / "box/laptops" / laptop(bed)).exists()
    assert "another laptop uses" in bed.nbssh("uninstall", "--yes").stderr
    assert server_pid(bed) == pid
    add(bed)
    done = bed.nbssh("remove", "box", "--everywhere")
    assert "stopped" in done.stderr
    assert not list(bed.remote_home.rglob("*nbssh*"))


# --- one home for laptop and server ----------------------------------------------------------------------------------


@pytest.fixture
def shared(bed: Bed) -> Bed:
    """Give a bed whose laptop keeps its state where the server has its own."""
    bed.env["XDG_STATE_HOME"] = str(bed.remote_home / ".local/state")
    return bed


def test_doctor_takes_nothing_of_the_laptop_for_the_servers(shared: Bed) -> None:
    add(shared)
    detach(start(shared))
    found = json.loads(shared.run("nbssh", "doctor", "--json").stdout)["checks"]
    assert [finding for finding in found if "rm -r" in finding.get("repair", "")] == []
    kill(shared)


@pytest.mark.parametrize("name", sorted(RESERVED | {"Secrets", "LOG"}))
def test_a_name_of_our_own_is_no_profiles(shared: Bed, name: str) -> None:
    for words in (("add", name, "box", "--offline", "--token", "--yes"), ("remove", name), ("show", name)):
        done = shared.run("nbssh", *words)
        assert done.returncode == 1
        assert f"'{name}' cannot be a profile's name" in done.stderr


@pytest.mark.parametrize("name", ["secrets", "program", "..", "", "-x", "a b", "x" * 33])
def test_the_scripts_there_take_no_such_name_either(one: Server, name: str) -> None:
    for script in ("launch", "serve", "kill", "status", "wait"):
        done = subprocess.run(
            [*one.shell, str(one.program / script), name, "8888"],
            env=one.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "this is no profile's name" in done.stderr
    one.model |= {"name": name, "data": f"{one.share}/{name}", "state": f"{one.state.parent}/{name}"}
    before = tree(one.home)
    done = one.remove()
    assert done.returncode == 1
    assert tree(one.home) == before


def test_uninstall_leaves_a_server_that_runs(shared: Bed) -> None:
    add(shared)
    shared.nbssh("add", "two", "box", "--offline", "--token", "--yes")
    detach(start(shared))
    pid = server_pid(shared)
    state = shared.remote_home / ".local/state/nbssh"
    assert {"secrets", "box", "laptop"} <= {path.name for path in state.iterdir()}
    there = program(shared)
    shared.nbssh("uninstall", "--offline", "--yes")
    assert [path.name for path in state.iterdir()] == ["box"]
    assert (state / "box/sock").is_socket()
    done = shared.on_server(f"/bin/sh {there}/kill box")
    assert f"(pid {pid})" in done.stdout


def test_remove_takes_nothing_of_the_laptop(shared: Bed) -> None:
    add(shared)
    shared.nbssh("add", "two", "box", "--offline", "--token", "--yes")
    state = shared.remote_home / ".local/state/nbssh"
    shared.nbssh("remove", "box")
    assert (state / "secrets/two.json").is_file()
    assert "already up to date" in shared.nbssh("apply", "--offline", "two").stderr


# --- what nbssh 0.1 had ----------------------------------------------------------------------------------------------


def as_0_1(bed: Bed) -> int:
    """Put there what nbssh 0.1.0 (commit 945e1d4) had written for `nbssh add mybox box --token`; return its port.

    The files are its own, of both homes, with these places of a bed in them instead of those of the bed they come from.
    """
    port = free_port()
    places = {
        "@BED@": str(bed.folder),
        "@JUPYTER@": str(bed.jupyter.parent),
        "@PORT@": str(port),
        "@HOST@": os.uname().nodename,
        "@UID@": str(os.getuid()),
    }
    homes = {"laptop": bed.local_home, "server": bed.remote_home}
    with tarfile.open(fileobj=io.BytesIO(FIXTURE.read_bytes()), mode="r:xz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file
            text = file.read().decode()
            for place, value in places.items():
                text = text.replace(place, value)
            if member.name.endswith(".toml"):
                text = text.replace("@PROBED@", store.parse(text, member.name).fingerprint())
            home, _, below = member.name.partition("/")
            path = homes[home] / below
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(seal(text) if "# nbssh-checksum: " in text else text)
            path.chmod(member.mode)
    data = share(bed) / "mybox"
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in data.glob("config/*.json")}
    lines = (data / "manifest").read_text().splitlines(keepends=True)
    (data / "manifest").write_text(
        seal("".join(re.sub(r"^[0-9a-f]{64}(?=  config/(.*))", lambda found: sums[found[1]], line) for line in lines))
    )
    bed.ssh_config.write_text(f"{COMMENT.decode()}\nInclude nbssh.d/*.conf\n{bed.ssh_config.read_text()}")
    return port


def test_a_profile_of_0_1_works_until_apply_brings_it_over_while_its_jupyter_runs(bed: Bed) -> None:
    port = as_0_1(bed)
    before = tree(bed.remote_home / SHARE, bed.local_home / ".ssh", bed.local_home / ".config")
    session = start(bed, alias="mybox-nb")
    assert "started on" in said(session)
    until(lambda: bed.opened, "the browser is called")
    detach(session)
    pid = server_pid_of(bed)
    (share(bed) / "mybox/fast/__pycache__").mkdir(exist_ok=True)
    assert "running" in bed.nbssh("status", "mybox").stdout
    looked = json.loads(bed.run("nbssh", "doctor", "mybox", "--json").stdout)["checks"]
    # that Jupyter is another version now than when it was set up depends on the day
    old = [check for check in looked if check["level"] != "ok" and check["check"] != "jupyter"]
    assert {check["check"] for check in old} == {"files here", "files there"}
    assert all(check["level"] == "warning" and "nbssh apply mybox" in check["repair"] for check in old), "it works"
    told = " ".join(check["message"] for check in old)
    assert "~/.ssh/nbssh.d/mybox.conf is out of date" in told
    assert "launch, manifest, serve, status, wait are out of date" in told
    for path, data in before.items():
        assert data == b"folder" or Path(path).read_bytes() == data, "it was touched before the apply"

    assert bed.run("nbssh", "apply", "--check").returncode == 3
    diff = bed.nbssh("diff").stdout
    assert "edited by hand" not in diff
    assert "of nbssh 0.1" in diff
    bed.nbssh("apply", "mybox")
    assert bed.run("nbssh", "apply", "--check").returncode == 0
    names = {path.name for path in (share(bed) / "mybox").iterdir()}
    assert names == {"profile", "config", "laptops"}
    assert {path.name for path in (share(bed) / "mybox/config").iterdir()} == {
        "jupyter_lab_config.json", "jupyter_notebook_config.json", "jupyter_server_config.json", "quiet",
    }  # fmt: skip
    bed.tell_master("exit", "mybox")
    session = start(bed, alias="mybox-nb")
    assert "is already running on" in said(session)
    assert server_pid_of(bed) == pid
    assert api(port)["version"]
    detach(session)
    assert f"(pid {pid})" in bed.run("ssh", "mybox-nb-kill").stdout
    bed.tell_master("exit", "mybox")
    bed.nbssh("remove", "mybox")
    assert not list(bed.remote_home.rglob("*nbssh*"))


def server_pid_of(bed: Bed) -> int:
    record = (run_folder(bed, "mybox") / "record").read_text()
    return int(record.split("pid ", 1)[1].split()[0])


def test_a_hand_edit_of_a_script_of_0_1_is_kept(bed: Bed) -> None:
    as_0_1(bed)
    serve = share(bed) / "mybox/serve"
    serve.write_text(serve.read_text() + "# mine\n")
    done = bed.run("nbssh", "apply", "mybox")
    assert done.returncode == 1
    assert f"edited by hand, left alone: box:{serve}" in done.stderr
    assert serve.exists()
    bed.nbssh("apply", "mybox", "--yes")
    assert not serve.exists()
    backups = (bed.local_home / ".local/state/nbssh/backups").iterdir()
    assert [path for path in backups if path.read_bytes().endswith(b"# mine\n")]


def test_remove_takes_what_0_1_had(bed: Bed) -> None:
    as_0_1(bed)
    bed.nbssh("remove", "mybox")
    assert not list(bed.remote_home.rglob("*nbssh*"))


def test_a_profile_there_that_is_gone_is_said_by_launch(bed: Bed) -> None:
    add(bed)
    shutil.rmtree(share(bed) / "box")
    for alias in ("box-nb-kill", "box-nb"):
        done = bed.run("ssh", alias)
        assert done.returncode == 1
        assert "the profile 'box' is not installed on" in done.stdout + done.stderr
        assert "nbssh apply box" in done.stdout + done.stderr


def test_one_that_is_ended_while_another_has_its_turn_takes_nothing_away(tmp_path: Path) -> None:
    text = (REPOSITORY / "tests/golden/sent/install").read_text().replace("/home/alice", str(tmp_path))
    data = tmp_path / ".local/share/nbssh/mybox"
    (data / ".turn").mkdir(parents=True)
    (data / "config").mkdir()  # the other one is about to write into it
    nap = tmp_path / "bin/sleep"
    nap.parent.mkdir()
    nap.write_text(f"#!/bin/sh\n: >{tmp_path}/waits\nexec /bin/sleep 0.1\n")
    nap.chmod(0o755)
    with subprocess.Popen(["/bin/sh", "-c", text], env={"PATH": f"{nap.parent}:/usr/bin:/bin"}) as install:
        until((tmp_path / "waits").exists, "it waits for its turn")
        install.terminate()
    assert install.returncode == 1
    assert sorted(path.name for path in data.iterdir()) == [".turn", "config"]
