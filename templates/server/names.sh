# needs:
# --- what a profile can be called ------------------------------------------------------------------------------------

# is_profile_name TEXT. The refused words are names of nbssh's own, here or where a laptop shares this home: the same as
# RESERVED in nbssh/core/profile.py.
is_profile_name() {
    case $1 in
    '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]* | ?????????????????????????????????*) return 1 ;;
    program | secrets | backups | lock | log | included | edits | templates | laptop) return 1 ;;
    *) return 0 ;;
    esac
}
