#!/bin/sh
# The generations of Jupyter that the tests run: .venv-jupyter-old (JupyterLab 3, Notebook 6.5, jupyter_server 1) and
# .venv-jupyter-new (JupyterLab 4, Notebook 7, jupyter_server 2). Made once, by the pip of the environment given as $1.
# Without network a word at home, where the tests that need them are skipped; in CI a failure.
set -eu
cd "$(dirname "$0")/.."
python=$1/bin/python

# make_environment NAME REQUIREMENT…: the stamp holds what an environment cannot survive a change of.
make_environment() {
    folder=.venv-jupyter-$1
    shift
    stamp="$(pwd -P) $("$python" -V) $*"
    if [ -e "$folder/.made" ] && [ "$(cat "$folder/.made")" = "$stamp" ] && "$folder/bin/python" -c ''; then
        return 0
    fi
    printf 'make: installing %s into %s\n' "$*" "$folder" >&2
    rm -rf "$folder"
    "$python" -m venv --without-pip "$folder"
    "$python" -m pip --python "$folder/bin/python" install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$stamp" >"$folder/.made"
}

# both at once: most of the time is waiting for the network
make_environment old 'jupyterlab<4' 'jupyter_server<2' 'setuptools<80' &
old=$!
make_environment new 'notebook>=7' &
new=$!
failed=0
wait "$old" || failed=1
wait "$new" || failed=1
if [ "$failed" -ne 0 ]; then
    [ "${CI:-}" != true ] || exit 1
    printf 'make: the other generations of Jupyter could not be installed; their tests are skipped\n' >&2
fi
