#!/bin/sh
# The generations of Jupyter that the tests run: .venv-jupyter-old (JupyterLab 3, Notebook 6.5, jupyter_server 1) and
# .venv-jupyter-new (JupyterLab 4, Notebook 7, jupyter_server 2); in .venv-jupyter-apps marimo, TensorBoard and
# JupyterLab with jupyter_server_nbmodel. Made once, by the pip of the environment given as $1. Without network a word at
# home, where the tests that need them are skipped; in CI a failure. The old generation does not run on every Python:
# where none that can is found, its folder says so in not-applicable, and so do its tests.
set -eu
cd "$(dirname "$0")/.."
python=$1/bin/python

# the newest Python that the old generation runs on
newest=13

# able PYTHON: the old generation runs on it
able() { "$1" -c "import sys, venv; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, $newest))" 2>/dev/null; }

# make_environment NAME PYTHON REQUIREMENT…: the stamp holds what an environment cannot survive a change of.
make_environment() {
    folder=.venv-jupyter-$1
    base=$2
    shift 2
    stamp="$(pwd -P) $("$base" -V) $*"
    if [ -e "$folder/.made" ] && [ "$(cat "$folder/.made")" = "$stamp" ] && "$folder/bin/python" -c ''; then
        return 0
    fi
    printf 'make: installing %s into %s\n' "$*" "$folder" >&2
    rm -rf "$folder"
    "$base" -m venv --without-pip "$folder"
    "$python" -m pip --python "$folder/bin/python" install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$stamp" >"$folder/.made"
}

old_python=
for candidate in "$python" python3 python3.13 python3.12 python3.11; do
    if able "$candidate"; then
        old_python=$candidate
        break
    fi
done
if [ -z "$old_python" ]; then
    rm -rf .venv-jupyter-old
    mkdir .venv-jupyter-old
    printf '%s has no JupyterLab 3 and Notebook 6, which run on Python 3.%s and older\n' "$("$python" -V)" "$newest" \
        >.venv-jupyter-old/not-applicable
    printf 'make: %s\n' "$(cat .venv-jupyter-old/not-applicable)" >&2
fi

# all at once: most of the time is waiting for the network; y-py is what JupyterLab 3.6 has compiled, and not for every
# Python: there the newest one without it is taken, 3.5
old=
if [ -n "$old_python" ]; then
    make_environment old "$old_python" --only-binary=y-py 'jupyterlab<4' 'jupyter_server<2' 'setuptools<80' &
    old=$!
fi
make_environment new "$python" 'notebook>=7' &
new=$!
# TensorBoard 2.20 imports pkg_resources
make_environment apps "$python" marimo tensorboard 'setuptools<80' jupyterlab ipykernel 'jupyter_server_nbmodel[lab]' &
apps=$!
failed=0
[ -z "$old" ] || wait "$old" || failed=1
wait "$new" || failed=1
wait "$apps" || failed=1
if [ "$failed" -ne 0 ]; then
    [ "${CI:-}" != true ] || exit 1
    printf 'make: the other generations of Jupyter could not be installed; their tests are skipped\n' >&2
fi
