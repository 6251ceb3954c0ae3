# needs: fail find_run host is_profile_name newline program
# --- a profile and its places ----------------------------------------------------------------------------------------
# Everything is found from where the program lies: ROOT/program/HASH, and beside it ROOT/NAME for each profile.
. "${program}/run.sh"
share=${program%/program/*}
program_id=${program##*/}

# place_profile NAME: sets name, data, home, state and run.
place_profile() {
    is_profile_name "$1" || fail "this is no profile's name: '$1'" "look at the RemoteCommand of the alias: ssh -G"
    name=$1
    data=${share}/${name}
    home=${HOME-}
    state=${share}/.state/${name}
    case ${share} in
    */.local/share/nbssh)
        home=${share%/.local/share/nbssh}
        state=${home}/.local/state/nbssh/${name}
        ;;
    *) ;;
    esac
    find_run
}

# Whether anybody but this user could listen where the tunnel ends: ports and /tmp are everybody's.
is_exposed() {
    case ${gate:-${socket}} in
    "${home}"/* | "${share}"/*) return 1 ;;
    *) return 0 ;;
    esac
}

# open_profile NAME: reads its file too, which is data and never sourced: a key, a blank, the value to the end of the
# line. `setup`, `setup_shell` and `option` may come again and again. What another version of nbssh knows is skipped.
open_profile() {
    place_profile "$1"
    app=lab title=JupyterLab forward=socket socket='' remote_port=0 gate='' hers='' hers_sum='' jupyter=jupyter-lab python='' root_dir=''
    fast=yes ready=/api environment=login after_idle='' start_timeout=120 setup='' setup_shell='' wing='' scheduler='' via='' options=''
    while IFS='' read -r profile_line; do
        profile_value=${profile_line#* }
        case ${profile_line} in
        '#'*) ;;
        'app '*) app=${profile_value} ;;
        'title '*) title=${profile_value} ;;
        'socket '*) forward=socket socket=${profile_value} ;;
        'port '*) forward=tcp remote_port=${profile_value} ;;
        'gate '*) gate=${profile_value} ;;
        'hers '*) hers=${profile_value} ;;
        'hers_sum '*) hers_sum=${profile_value} ;;
        'jupyter '*) jupyter=${profile_value} ;;
        'python '*) python=${profile_value} ;;
        'dir '*) root_dir=${profile_value} ;;
        'fast_start '*) fast=${profile_value} ;;
        'environment '*) environment=${profile_value} ;;
        'after_idle '*) after_idle=${profile_value} ;;
        'ready '*) ready=${profile_value} ;;
        'start_seconds '*) start_timeout=${profile_value} ;;
        'setup '*) setup=${setup}${profile_value}${newline} ;;
        'setup_shell '*) setup_shell=${setup_shell}${profile_value}${newline} ;;
        'scheduler '*) wing=batch scheduler=${profile_value} ;;
        'option '*) options=${options}${profile_value}${newline} ;;
        'via '*) via=${profile_value} ;;
        *) ;;
        esac
    done 2>/dev/null <"${data}/profile" ||
        fail "the profile '${name}' is not installed on ${host}" "on your laptop: nbssh apply ${name}"
    case ${remote_port}${start_timeout} in
    *[!0-9]*) fail "${data}/profile on ${host} holds a number that is none" "on your laptop: nbssh apply ${name}" ;;
    *) ;;
    esac
    at=${socket:-127.0.0.1:${remote_port}}
}
