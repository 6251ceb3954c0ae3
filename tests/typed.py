"""What README.md and docs/ tell a reader to type, line by line, and what becomes of each line in the tests."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PAPERS = {
    str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
    for path in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
}
PROGRAMS = [
    "nbssh",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "git",
    "make",
    "pipx",
    "pip",
    "uv",
    "apt",
    "sudo",
    "systemctl",
    "loginctl",
    "salloc",
    "jlab",
    "jupyter",
    "jupyter-konsole",
    "gcloud",
]
# what a reader puts in for these words
MEANT = {"NAME": "mybox", "DIR": "out", "PATH": "runs/today.ipynb"}

# Blocks that are no lines of a shell: what reads them in the tests instead.
BLOCKS = {
    "toml": "tests/e2e/test_readme.py",
    "python": "tests/e2e/test_typed_by_her.py",
    "json": "tests/e2e/test_typed_by_her.py",
    "powershell": "",  # Windows' own; the calls of nbssh and ssh among its lines are those of the other papers
}

# tests/e2e/test_typed_by_her.py: a laptop and one host
ADDING = {
    "nbssh add mybox",
    "nbssh add mybox alice@10.0.0.5:2222",
    "nbssh add mybox 'ssh -L localhost:10090:localhost:10080 alice@10.0.0.5'",
    "nbssh add alice@gpu1.example.org",
    "nbssh add gpu mybox --app notebook --dir work --idle 12",
    "nbssh add gpu mybox --setup 'module load anaconda' --setup 'conda activate ml' --setup-shell 'bash -l -i'",
    "nbssh add mybox --also 6006",
    "nbssh add tb mybox --also 6006",
    "nbssh add mybox --also 8787",
    "nbssh add mybox --also 15000:5000",
    "nbssh add mybox --also 8265",
    "printf '%s\\n' \"$PASSWORD\" | nbssh add mybox --password-stdin --yes",
}
EVERYDAY = {
    "nbssh -v check mybox",
    "nbssh apply",
    "nbssh apply mybox",
    "nbssh apply --probe mybox",
    "nbssh apply mybox --prefer here",
    "nbssh check mybox",
    "nbssh completions bash|zsh|fish|powershell",
    "nbssh diff",
    "nbssh doctor",
    "nbssh doctor mybox",
    "nbssh doctor --report mybox",
    "nbssh edit mybox",
    "nbssh help add",
    "nbssh init",
    "nbssh init --print",
    "nbssh kill mybox",
    "nbssh list",
    "nbssh logs mybox",
    "nbssh logs mybox -f",
    "nbssh open mybox",
    "nbssh open mybox runs/today.ipynb",
    "nbssh passwd mybox",
    "nbssh remove mybox",
    "nbssh render mybox --to out",
    "nbssh show mybox",
    "nbssh status",
    "nbssh templates",
    "nbssh templates diff",
    "nbssh templates eject apps/marimo.toml",
    "nbssh templates eject ssh/profile.conf",
    "nbssh templates list",
    "nbssh uninstall",
    "nbssh unit mybox",
    "ssh -O exit mybox-nb",
    "ssh mybox",
    "ssh mybox-nb",
    "ssh mybox-nb-kill",
}
EDITORS = {
    "nbssh add mybox --editor",
    "nbssh passwd mybox --token",
    "nbssh url mybox",
    "nbssh url mybox --json",
    'set -a; eval "$(nbssh url mybox --env)"; set +a',
}
APPS = {"nbssh add mm mybox --app marimo", "nbssh url mm", "ssh mm-nb", "ssh mm-nb-kill"}

# tests/batch/test_typed_on_clusters.py
SLURM = {
    "nbssh add gpu cluster --scheduler slurm --job-option=--gres=gpu:1 --job-option=--time=8:00:00",
    "nbssh apply --probe gpu",
    "nbssh doctor gpu",
    "nbssh edit gpu: scheduler.options",
    "nbssh job gpu",
    "nbssh job gpu --join 4711",
    "nbssh job gpu --option=--time=2:00:00",
    "nbssh logs gpu",
    "rsync -a gpu-node:results/ results/",
    "salloc -J nbssh-gpu",
    "ssh gpu-nb",
    "ssh gpu-nb-kill",
    "ssh gpu-node",
    "ssh gpu-node nvidia-smi",
}

# Run by tests of their own: the file, and what stands in it.
ELSEWHERE = {
    "nbssh demo": ("tests/e2e/test_demo.py", '"demo"'),
    "nbssh unit mybox --install": ("tests/integration/test_unit.py", '"unit", "box", "--install"'),
    "nbssh unit mybox --remove": ("tests/integration/test_unit.py", '"unit", "box", "--remove"'),
    "nbssh unit mybox --server --install": ("tests/integration/test_unit.py", '"box", "--server", "--install"'),
    "nbssh unit mybox --server --remove": ("tests/integration/test_unit.py", '"box", "--server", "--remove"'),
    'nbssh add mybox "ssh -L 10090:localhost:10080 alice@10.0.0.5"': (
        "tests/windows/test_windows_paths.py",
        'nbssh add mybox "ssh -L 10090:localhost:10080 alice@10.0.0.5"',
    ),  # in cmd
    "make lint": (".ci/run", "make test"),  # which lints first
    "make test-windows": ("tests/README.md", "make test-windows"),  # by hand
    "make bench": ("tests/README.md", "make bench"),  # by hand, on a quiet machine
    "make bench BENCH=all": ("tests/README.md", "make bench"),
    "ssh box true": ("tests/bench/sessions.py", '"true"'),
    "ssh box-nb-kill": ("tests/bench/sessions.py", "-nb-kill"),
}
# Words that only name a command, or an option of it, with nothing to do.
NAMED = {
    "jupyter lab", "jupyter notebook", "jupyter server", "nbssh add", "nbssh edit", "nbssh open", "nbssh remove",
    "nbssh render", "nbssh templates eject", "nbssh unit --server", "ssh -D", "ssh -F other/config", "ssh -G",
    "ssh -L", "ssh -f",
}  # fmt: skip
# What nothing here can run, and why.
NOT_HERE = {
    "Include nbssh.d/*.conf": "a line of ssh_config; tests/integration/test_init.py puts it there by hand",
    "apt install openssh-server": "changes the machine; tests/system-packages.sh installs it where it may",
    "gcloud compute instances stop …": "a cloud's own program",
    "git clone … nbssh && cd nbssh": "the tests run in a clone",
    'jlab "$(nbssh url mybox)"': "JupyterLab Desktop, a program with a window",
    "jupyter console --existing": "named to say that it does not do",
    "loginctl enable-linger": "the systemd of a host: tests/integration/test_unit.py imitates one",
    "make demo": "makes an environment in the clone, then runs `nbssh demo`",
    "nbssh edit juwels": "`nbssh edit mybox` is run; nothing else is known of this host",
    "pip install --user jupyterlab": "changes the home of a host, from an index",
    "pip install jupyter-kernel-client": "from an index; what it installs is run in tests/e2e/test_typed_by_her.py",
    "pipx ensurepath": "changes the shell's own files",
    "pipx install --force .": "pipx, an index: tests/e2e/test_install.py installs the wheel by pip",
    "pipx install .": "the same",
    "pipx install 'jupyter-kernel-client[konsole]'": "from an index",
    'jupyter-konsole --url "${JUPYTER_URL%/}" --token "$JUPYTER_TOKEN"': "the same; tried by hand on 2026-11-26",
    "pipx install jupyter-mcp-server": "from an index; the line that starts it is run with a stand-in",
    "pipx uninstall jupyter-nbssh": "as pipx install",
    "ssh gadi-nb": "a centre's host",
    "sudo -n poweroff": "turns the machine off",
    "systemctl --user import-environment SSH_AUTH_SOCK": "needs a systemd of the user",
    "systemctl disable --now ssh": "changes the machine",
}


def lines(text: str) -> set[str]:
    """Return each line of shell in a paper: of blocks, and in backticks what begins with a program; no comments."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = []
    for language, block in blocks:
        if language == "console":
            found += re.findall(r"^\$ (.*)", block, re.MULTILINE)
        elif language == "sh":
            found += block.splitlines()
    text = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found += re.findall(r"^    (\S.*)", text, re.MULTILINE)
    spans = [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    found += [span for span in spans if " " in span and (span.split()[0] in PROGRAMS or "| nbssh " in span)]
    return {meant(re.sub(r"(^|\s+)# .*", "", line)) for line in found} - {""}


def meant(line: str) -> str:
    """Return the line with a name in place of NAME, and so on."""
    for word, name in MEANT.items():
        line = re.sub(rf"(?<![-$]){word}\b", name, line)
    return line


TYPED = sorted({line for text in PAPERS.values() for line in lines(text)})
# name: the line of a centre
CENTRES = {
    line.split()[2]: line
    for line in lines(PAPERS["docs/clusters.md"].partition("## Recipes")[2])
    if "nbssh add " in line
}
