#!/bin/sh
# wheel.sh PYTHON WHEEL: installs the wheel into a fresh environment of PYTHON, with its dependencies from the index, and
# uses it from there, with a home of its own.
set -eu

python=$1 wheel=$2
unset PYTHONPATH PYTHONHOME
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$room/home"

"$python" -m venv "$room/venv"
"$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${wheel}[demo]"
cd "$room"
HOME=$room/home
export HOME
nbssh=$room/venv/bin/nbssh
"$nbssh" --version
"$nbssh" add box alice@10.0.0.5 --offline --token --yes 2>/dev/null
"$nbssh" list
"$nbssh" completions bash | cmp - "$room/venv/share/bash-completion/completions/nbssh"
for page in man1/nbssh.1 man5/nbssh-profile.5; do
    [ -s "$room/venv/share/man/$page" ]
done
if command -v sshd >/dev/null || [ -x /usr/sbin/sshd ]; then
    "$nbssh" demo --once >"$room/demo" 2>&1 </dev/null || {
        cat "$room/demo" >&2
        exit 1
    }
    demo=', demo'
else
    demo=', no sshd for the demo'
fi
echo "wheel: works on $("$python" --version)$demo"
