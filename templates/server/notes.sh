# needs: run
# --- what serve has to tell the user: launch says it ------------------------------------------------------------------

# note TEXT: into the log too.
note() {
    printf 'nbssh: %s\n' "$1" >&2
    { printf '%s\n' "$1" >>"${run}/notes"; } 2>/dev/null || :
}
