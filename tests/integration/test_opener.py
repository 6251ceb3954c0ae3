"""The browser opener, run as ssh's LocalCommand runs it: which browser it finds, and when it opens none."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import SYSTEM_PATH, needs, until

from nbssh.core.files import laptop_files
from nbssh.core.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"]]
PROGRAM = "0123456789abcdef"
WAIT = f"~/.local/share/nbssh/program/{PROGRAM}/wait mybox"
URL = "http://127.0.0.1:8888/"
PROFILE = Profile(destination="mybox", port=8888)
SECRET = "s3cret-token"
VERIFIED, REFUSED = "Welcome!\\nnbssh-%s-verified\\n", "nbssh-%s-refused\\n"


class Laptop:
    """A folder with the opener, and stubs that write down with what they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.secrets = folder, folder / "bin", folder / "se crets"
        self.bin.mkdir()
        self.secrets.mkdir()
        self.conf_dir = folder / "nbssh.d"
        self.conf_dir.mkdir()
        (self.conf_dir / "open").write_text(laptop_files.opener(str(self.secrets)))
        self.env = {"PATH": f"{self.bin}:{SYSTEM_PATH}", "HOME": str(folder)}
        self.stub("uname", "echo Linux")
        self.stub(
            "ssh",
            f"printf '%s\\n' \"$*\" >>{folder}/ssh.calls; echo ${{SSH_ASKPASS_REQUIRE-}} >{folder}/askpass; "
            f'case $* in *wait*) printf "$(cat {folder}/word)" $(expr "$*" : \'.*mybox \\([0-9a-f]*\\)\'); '
            f"exit $(cat {folder}/verdict) ;; *check*) exit $(cat {folder}/master) ;; esac",
        )
        self.verdict(VERIFIED)
        (folder / "master").write_text("0")

    def stub(self, name: str, body: str = "") -> None:
        """Put a program on PATH that writes its arguments to the file NAME.calls."""
        program = self.bin / name
        body = body or f"printf '%s\\n' \"$*\" >>{self.folder}/{name}.calls"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    def verdict(self, word: str, status: int = 0) -> None:
        """Say what the remote `wait` will answer, `%s` for the number that it is given, and how it will end."""
        (self.folder / "word").write_text(word)
        (self.folder / "verdict").write_text(str(status))

    def master(self) -> None:
        """Pretend that a master listens."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.conf_dir / "mybox.ctl"))

    def token(self) -> None:
        """Make it a profile with a token."""
        (self.secrets / "mybox.html").write_text(laptop_files.redirect("mybox", PROFILE, SECRET))

    def calls(self, name: str) -> list[str]:
        """Return how a stub was called."""
        file = self.folder / f"{name}.calls"
        return file.read_text().splitlines() if file.exists() else []

    def open(
        self, shell: list[str], *words: str, program: str = PROGRAM, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the opener and wait until its background part has ended; no `program`: as an alias of nbssh 0.1 does."""
        done = subprocess.run(
            [*shell, str(self.conf_dir / "open"), "mybox", "8888", *([program] if program else []), *words],
            env=self.env | env, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        until(lambda: not self.running(), "the opener ends")
        return done

    def running(self) -> bool:
        """Tell whether something with the opener's path in its command line runs."""
        listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return f"{self.conf_dir}/open" in listing


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    # directly below /tmp: a socket's path is short
    with tempfile.TemporaryDirectory(prefix="nbo", dir="/tmp") as folder:
        yield Laptop(Path(folder))


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_browser_opens_once_the_master_says_that_the_server_is_verified(laptop: Laptop, shell: list[str]) -> None:
    needs(shell[0])
    laptop.stub("xdg-open")
    laptop.master()
    done = laptop.open(shell, DISPLAY=":0")
    assert (done.stdout, done.stderr) == ("", "")
    assert laptop.calls("xdg-open") == [URL]
    (asked,) = laptop.calls("ssh")
    assert re.search(f"exec /bin/sh {WAIT} [0-9]+[0-9a-f]{{16}}$", asked)
    assert f"-S {laptop.conf_dir}/mybox.ctl" in asked


def forwards(laptop: Laptop, *, opens: bool = True, hears: bool = True) -> None:
    """Pretend a master that opens the tunnel, and a host that hears of that from `wait`, unlike one of 0.2.0."""
    laptop.master()
    hearing = "read -r word; echo $word >$0.told; printf 'nbssh-%s-told\\n' $number" if hears else ""
    laptop.stub(
        "ssh",
        f'echo "$*" >>{laptop.folder}/ssh.calls; number=$(expr "$*" : \'.*mybox \\([0-9a-f]*\\)\'); case $* in '
        f"*forward*) exit {0 if opens else 1} ;; *wait*) printf 'nbssh-%s-verified\\n' $number; {hearing} ;; esac",
    )
    laptop.stub("xdg-open")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_session_that_tells_of_launch_takes_back_that_the_tunnel_is_open(laptop: Laptop, shell: list[str]) -> None:
    needs(shell[0])
    forwards(laptop)
    laptop.open(shell, "tunnel=/tmp/a b", DISPLAY=":0")
    asked, forward = laptop.calls("ssh")
    assert re.search(f"exec /bin/sh {WAIT} [0-9]+[0-9a-f]{{16}} tunnel$", asked)
    assert forward.endswith("-O forward -L 127.0.0.1:8888:/tmp/a b x")
    assert (laptop.bin / "ssh.told").read_text() == "yes\n"
    assert laptop.calls("xdg-open") == [URL]
    assert [file.name for file in laptop.conf_dir.iterdir()] == ["open", "mybox.ctl"]


def test_launch_is_told_of_a_port_that_is_taken_and_no_browser_opens(laptop: Laptop) -> None:
    forwards(laptop, opens=False)
    laptop.open(["sh"], "tunnel=/tmp/x", DISPLAY=":0")
    assert (laptop.bin / "ssh.told").read_text() == "no\n"
    assert (len(laptop.calls("ssh")), laptop.calls("xdg-open")) == (2, [])


@pytest.mark.parametrize("opens", [True, False])
def test_the_program_of_an_older_nbssh_hears_of_the_tunnel_by_a_session_of_its_own(
    laptop: Laptop, *, opens: bool
) -> None:
    forwards(laptop, opens=opens, hears=False)
    laptop.open(["sh"], "tunnel=/tmp/x", DISPLAY=":0")
    (_, forward, told) = laptop.calls("ssh")
    assert "-O forward" in forward
    assert told.endswith(f"{PROGRAM}/tunnel mybox {'opened' if opens else 'failed'}")
    assert laptop.calls("xdg-open") == ([URL] if opens else [])


def test_an_alias_of_nbssh_0_1_goes_by_the_status_until_it_is_applied(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    laptop.master()
    laptop.verdict("")
    laptop.open(["sh"], program="", DISPLAY=":0")
    assert laptop.calls("xdg-open") == [URL]
    (asked,) = laptop.calls("ssh")
    assert "exec /bin/sh ~/.local/share/nbssh/mybox/wait " in asked


@pytest.mark.parametrize("status", [1, 2, 255])
def test_an_alias_of_nbssh_0_1_opens_nothing_that_its_script_does_not_confirm(laptop: Laptop, status: int) -> None:
    laptop.stub("xdg-open")
    laptop.master()
    laptop.verdict("", status)
    laptop.open(["sh"], program="", DISPLAY=":0")
    assert laptop.calls("xdg-open") == []


@pytest.mark.parametrize(
    "said",
    [
        "",
        "nbssh-%s-",
        "nbssh-%s-verified?",
        "nbssh-1-verified",
        "verified",
        "exec /bin/sh wait %s",
        "x nbssh-%s-verified",
    ],
)
@pytest.mark.parametrize("status", [0, 1])
def test_what_is_no_word_with_its_number_opens_nothing_and_ends_nothing(laptop: Laptop, said: str, status: int) -> None:
    laptop.stub("xdg-open")
    laptop.master()
    laptop.verdict(f"{said}\\n", status)
    laptop.open(["sh"], DISPLAY=":0")
    assert laptop.calls("xdg-open") == []
    assert "-O exit" not in str(laptop.calls("ssh"))


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_refusal_opens_nothing_and_ends_the_master(laptop: Laptop, shell: list[str]) -> None:
    needs(shell[0])
    laptop.stub("xdg-open")
    laptop.master()
    laptop.verdict(REFUSED)
    laptop.open(shell, DISPLAY=":0")
    assert laptop.calls("xdg-open") == []
    assert laptop.calls("ssh")[-1].endswith("-O exit x")


def test_a_lost_connection_opens_nothing_and_ends_nothing(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    laptop.master()
    laptop.verdict("", 255)
    (laptop.folder / "master").write_text("255")
    laptop.open(["sh"], DISPLAY=":0")
    assert laptop.calls("xdg-open") == []
    assert ["wait mybox" in call for call in laptop.calls("ssh")] == [True, False]
    assert "-O exit" not in str(laptop.calls("ssh"))


def test_when_a_terminal_that_closes_hangs_up_on_the_question_it_is_asked_again(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    laptop.master()
    asked = f"{laptop.folder}/asked"
    laptop.stub(
        "ssh",
        f"case $* in *wait*) echo >>{asked}; [ $(wc -l <{asked}) -ge 2 ] || exit 255; "
        f'printf "$(cat {laptop.folder}/word)" $(expr "$*" : \'.*mybox \\([0-9a-f]*\\)\') ;; esac',
    )
    laptop.open(["sh"], DISPLAY=":0")
    assert laptop.calls("xdg-open") == [URL]


@pytest.mark.parametrize(
    ("env", "system", "expected"),
    [
        ({"BROWSER": "mine", "DISPLAY": ":0"}, "Linux", ("mine", URL)),
        ({"BROWSER": "mine --new %s -x"}, "Linux", ("mine", f"--new {URL} -x")),
        ({"BROWSER": "false:mine", "SSH_CONNECTION": "x"}, "Linux", ("mine", URL)),
        ({"WAYLAND_DISPLAY": "w"}, "Linux", ("xdg-open", URL)),
        ({}, "Linux", None),
        ({"SSH_CONNECTION": "x"}, "Linux", None),
        ({}, "Darwin", ("open", URL)),
        ({"SSH_CONNECTION": "x"}, "Darwin", None),
        ({"WSL_DISTRO_NAME": "Debian"}, "Linux", ("wslview", URL)),
    ],
)
def test_which_browser(laptop: Laptop, env: dict[str, str], system: str, expected: tuple[str, str] | None) -> None:
    for name in ("mine", "xdg-open", "open", "wslview", "cmd.exe"):
        laptop.stub(name)
    laptop.stub("uname", f"echo {system}")
    laptop.master()
    laptop.open(["sh"], **env)
    called = {name: laptop.calls(name) for name in ("mine", "xdg-open", "open", "wslview", "cmd.exe")}
    assert {name: calls for name, calls in called.items() if calls} == (
        {expected[0]: [expected[1]]} if expected else {}
    )


def test_wsl_without_wslview_uses_the_windows_shell(laptop: Laptop) -> None:
    laptop.stub("cmd.exe")
    laptop.master()
    laptop.open(["sh"], WSL_DISTRO_NAME="Debian")
    assert laptop.calls("cmd.exe") == [f"/c start  {URL}"]


def test_a_token_reaches_the_browser_through_a_private_file(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    laptop.stub("xdg-settings", "echo firefox-esr.desktop")
    laptop.token()
    laptop.master()
    done = laptop.open(["sh"], DISPLAY=":0")
    assert laptop.calls("xdg-open") == [f"file://{str(laptop.secrets).replace(' ', '%20')}/mybox.html"]
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("env", "browser"),
    [({"DISPLAY": ":0"}, "firefox_firefox.desktop"), ({"WSL_DISTRO_NAME": "Debian"}, "x.desktop"), ({}, "x.desktop")],
)
def test_a_browser_that_cannot_read_the_file_is_not_called_and_the_address_is_printed(
    laptop: Laptop, env: dict[str, str], browser: str
) -> None:
    for name in ("xdg-open", "wslview"):
        laptop.stub(name)
    laptop.stub("xdg-settings", f"echo {browser}")
    laptop.token()
    laptop.master()
    done = laptop.open(["sh"], **env)
    assert done.stderr == f"nbssh: the address with its token: {URL}?token={SECRET}\n"
    assert laptop.calls("xdg-open") + laptop.calls("wslview") == []


def test_without_a_master_it_looks_through_the_tunnel(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    # not yet, not yet, there
    laptop.stub(
        "curl", f'echo "$*" >>{laptop.folder}/curl.calls; [ $(wc -l <{laptop.folder}/curl.calls) -ge 3 ] || exit 52'
    )
    laptop.stub("sleep", ":")
    laptop.open(["sh"], DISPLAY=":0")
    assert laptop.calls("xdg-open") == [URL]
    assert all(call.endswith(f"{URL}api") for call in laptop.calls("curl"))


def test_without_a_master_it_gives_up_when_the_session_ends(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    laptop.stub("curl", "exit 7")
    laptop.open(["sh"], DISPLAY=":0")
    assert laptop.calls("xdg-open") == []


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("verdict", [VERIFIED, REFUSED, ""])
def test_without_a_master_a_port_is_not_believed_but_asked_by_a_login(
    laptop: Laptop, shell: list[str], verdict: str
) -> None:
    needs(shell[0])
    laptop.stub("xdg-open")
    laptop.stub("curl", "exit 0")
    laptop.verdict(verdict)
    laptop.open(shell, "ask", DISPLAY=":0", NBSSH_SSH_COMMAND="ssh -F 'my config'")
    (asked,) = laptop.calls("ssh")
    assert asked.startswith("-F my config -T -o BatchMode=yes ")
    assert (laptop.folder / "askpass").read_text() == "force\n", "nor does a jump host ask"
    assert re.search(f" mybox-nb exec /bin/sh {WAIT} [0-9]+[0-9a-f]{{16}} 60$", asked)
    assert laptop.calls("xdg-open") == ([URL] if verdict == VERIFIED else [])


def test_where_each_session_asks_the_page_is_looked_at_instead_through_the_master_too(laptop: Laptop) -> None:
    laptop.stub("xdg-open")
    laptop.stub("curl", "exit 0")
    laptop.master()
    laptop.open(["sh"], "page", DISPLAY=":0")
    assert laptop.calls("ssh") == []
    assert laptop.calls("xdg-open") == [URL]


def test_without_a_master_a_port_of_a_server_that_prompts_opens_nothing(laptop: Laptop) -> None:
    for name in ("xdg-open", "curl"):
        laptop.stub(name)
    laptop.open(["sh"], "hold", DISPLAY=":0")
    assert laptop.calls("xdg-open") + laptop.calls("ssh") + laptop.calls("curl") == []


def test_a_token_is_not_printed_before_a_port_is_proved(laptop: Laptop) -> None:
    laptop.token()
    laptop.master()
    done = laptop.open(["sh"], "ask")
    assert SECRET not in done.stderr
    assert "nbssh url mybox" in done.stderr


@pytest.mark.parametrize("lives", [True, False])
def test_a_page_counts_only_while_the_ssh_that_forwards_it_lives(laptop: Laptop, *, lives: bool) -> None:
    """Without a master the page is asked; once our ssh has gone, another user may have taken the port."""
    laptop.stub("xdg-open")
    laptop.token()
    # answers when the fake ssh below has ended, or once it is sure to live
    done, gone = laptop.folder / "done", laptop.folder / "gone"
    laptop.stub("curl", f"while [ ! -e {done if lives else gone} ]; do sleep 0.02; done; exit 0")
    stay = f"touch {done}; while [ ! -e {gone} ]; do sleep 0.02; done" if lives else ""
    caller = laptop.folder / "ssh"
    caller.write_text(f'#!/bin/sh\nsh -c "sh {laptop.conf_dir}/open mybox 8888 {PROGRAM}; :"\n{stay}\n')
    caller.chmod(0o755)
    env = laptop.env | {"DISPLAY": ":0"}
    with subprocess.Popen([caller], env=env, stderr=subprocess.PIPE) as ssh:
        if lives:
            until(lambda: laptop.calls("xdg-open"), "the browser is called")
            gone.touch()
        else:
            ssh.wait()
            gone.touch()
    until(lambda: not laptop.running(), "the opener ends")
    assert bool(laptop.calls("xdg-open")) is lives


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_page_is_shown_in_place_of_the_first_one(laptop: Laptop, shell: list[str]) -> None:
    needs(shell[0])
    laptop.stub("xdg-open")
    laptop.master()
    laptop.open(shell, "path=lab/tree/a%20b.ipynb", DISPLAY=":0")
    assert laptop.calls("xdg-open") == [f"{URL}lab/tree/a%20b.ipynb"]
    laptop.token()  # whose page knows it
    laptop.open(shell, "path=lab/tree/a%20b.ipynb", DISPLAY=":0")
    (laptop.secrets / "mybox+open.html").write_text("")
    laptop.open(shell, "once=tree", DISPLAY=":0")
    pages = [f"file://{laptop.secrets}/{name}".replace(" ", "%20") for name in ("mybox.html", "mybox+open.html")]
    assert laptop.calls("xdg-open")[1:] == pages


@pytest.mark.parametrize(
    ("shell", "holder"), [*((shell, "perl") for shell in SHELLS), (["sh"], "python3"), (["sh"], "ssh-add")], ids=str
)
def test_a_kill_goes_on_once_it_is_held_and_ends_with_what_it_holds(
    laptop: Laptop, shell: list[str], holder: str
) -> None:
    needs(shell[0], holder)
    for tool in ("sh", "sleep", "rm"):
        (laptop.bin / tool).symlink_to(str(shutil.which(tool)))
    # ssh-add does not say when it is connected, so it is given a moment, which a busy machine may exceed; the others
    # are given as long as they take
    late = "" if holder == "ssh-add" else "sleep 0.3; "
    laptop.stub(holder, f'{late}exec {shutil.which(holder, path=SYSTEM_PATH)} "$@"')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(laptop.conf_dir / "mybox.end"))
        listener.listen()
        listener.settimeout(30 if holder == "ssh-add" else 0)
        subprocess.run(
            [str(shutil.which(shell[0])), *shell[1:], str(laptop.conf_dir / "open"), "mybox", "stop"],
            env=laptop.env | {"PATH": str(laptop.bin)}, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        held, _ = listener.accept()
        assert list(laptop.conf_dir.iterdir()) == [laptop.conf_dir / "open"]
        assert laptop.running()
        held.close()
        until(lambda: not laptop.running(), "the opener ends")
