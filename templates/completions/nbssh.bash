# shellcheck shell=bash
# Completion of nbssh for bash 3.2 and newer. Made from templates/completions/nbssh.bash; change it there.
# To have it, with the package bash-completion, in each new bash:
#   mkdir -p ~/.local/share/bash-completion/completions
#   nbssh completions bash > ~/.local/share/bash-completion/completions/nbssh
# A Tab starts no program of ours: the commands stand here, the profiles are the files in ~/.ssh/nbssh.d.

# What may follow the command $1, '' before there is one. Sets options, one FLAG[/FLAG][*][=VALUE] each, where * says
# that it may come again, and arguments. A VALUE or argument is profile, host, - for nothing that could be offered, or
# the choices as one|two; an argument that ends in * may come again.
_nbssh_grammar() {
    case $1 in
{% for command in [program] + commands %}
        {{ command.name|sh }})
            options=(
{% for option in command.options %}
                {{ (option.flags|join('/') ~ ('*' if option.repeatable else '') ~ ('=' ~ option.value.code if option.value else ''))|sh }}
{% endfor %}
            )
            arguments=({% for argument in command.arguments %}{{ (argument.offer.code ~ ('*' if argument.repeatable else ''))|sh }}{% if not loop.last %} {% endif %}{% endfor %})
            ;;
{% endfor %}
        *) return 1 ;;
    esac
}

# Set value to what the option $1 takes, '' if it takes nothing.
_nbssh_value() {
    local option
    value=
    for option in "${options[@]}"; do
        [[ ${option} == *=* && /${option%%[*=]*}/ == *"/$1/"* ]] || continue
        value=${option#*=}
        return 0
    done
}

# Print the profiles that begin with $1, or more of them. In a subshell, so that the user's shell options stay as they are.
_nbssh_profiles() (
    [[ -n ${HOME-} ]] || return 0
    set +o noglob
    shopt -u failglob
    shopt -s nullglob
    unset GLOBIGNORE
    [[ $1 != *[!A-Za-z0-9._-]* ]] || set -- ''
    files=("${HOME}/.ssh/nbssh.d/$1"*.conf)
    ((${#files[@]})) || return 0
    names=("${files[@]##*/}")
    names=("${names[@]%.conf}")
    IFS=/
    if [[ "${names[*]}" != *[!/A-Za-z0-9._-]* ]]; then
        printf '%s\n' "${names[@]}"
        return 0
    fi
    for name in "${names[@]}"; do
        [[ ${name} == *[!A-Za-z0-9._-]* ]] || printf '%s\n' "${name}"
    done
)

# Offer the words "$@", as far as they begin like what was typed.
_nbssh_offer() {
    local word
    for word in "$@"; do
        [[ ${before}${word} != "${cur}"* ]] || COMPREPLY[${#COMPREPLY[@]}]=${before}${word}
    done
}

# Offer the options that were not given yet.
_nbssh_offer_options() {
    local option flag flags
    for option in "${options[@]}"; do
        flags=${option%%[*=]*}
        for flag in ${flags//\// }; do
            [[ ${option%%=*} != *\* && ${given} == *" ${flag} "* ]] && continue 2
        done
        # shellcheck disable=SC2086  # several words
        _nbssh_offer ${flags//\// }
    done
}

# Offer the hosts that bash-completion knows, if it is there; our own aliases are none.
_nbssh_offer_hosts() {
    local host
    local -a hosts
    declare -F _known_hosts_real >/dev/null || return 0
    _known_hosts_real -a -- "${cur}"
    hosts=(${COMPREPLY[@]+"${COMPREPLY[@]}"})
    COMPREPLY=()
    for host in ${hosts[@]+"${hosts[@]}"}; do
        [[ ${host} == *-nb || ${host} == *-nb-kill ]] || COMPREPLY[${#COMPREPLY[@]}]=${host}
    done
}

# Bash replaces only what stands behind the last of its word breaks: take what stands before it off the replies.
_nbssh_trim() {
    local mark rest cut='' i
    for mark in = : @; do
        [[ ${cur} == *"${mark}"* && ${COMP_WORDBREAKS-} == *"${mark}"* ]] || continue
        rest=${cur##*"${mark}"}
        ((${#cur} - ${#rest} <= ${#cut})) || cut=${cur:0:${#cur}-${#rest}}
    done
    [[ -n ${cut} ]] || return 0
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        COMPREPLY[i]=${COMPREPLY[i]:${#cut}}
    done
}

_nbssh() {
    local IFS=$' \t\n' cur word command='' value='' only='' given=' ' before='' joint='' left i n=0
    local -a options arguments words
    COMPREPLY=()

    # The words up to the cursor. Bash 4 takes --app=lab and me@box:22 apart, bash 3 does not: put them together.
    left=${COMP_LINE:0:COMP_POINT}
    words=('')
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        while ((i == COMP_CWORD)) && [[ -n ${word} && ${left} != *"${word}" ]]; do
            word=${word%?}
        done
        case ${word} in
            '' | *[!=:@]*) n=$((n + (${#joint} && ${#word} ? 0 : 1))) joint='' ;;
            *) n=$((n ? n : 1)) joint=1 ;;
        esac
        words[n]=${words[n]-}${word}
    done
    cur=${words[n]#[\"\']}

    # Where are we?
    _nbssh_grammar ''
    for ((i = 1; i < n; i++)); do
        word=${words[i]}
        if [[ -n ${value} ]]; then
            value=
        elif [[ -z ${only} && ${word} == -- ]]; then
            only=arguments
        elif [[ -z ${only} && ${word} == -?* ]]; then
            given+="${word%%=*} "
            _nbssh_value "${word}"
        elif [[ -z ${command} ]]; then
            command=${word}
            _nbssh_grammar "${command}" || return 0
            given=' '
        else
            given+="${word} "
            [[ ${arguments[0]-*} == *\* ]] || arguments=("${arguments[@]:1}")
        fi
    done

    # What can stand here?
    if [[ -z ${value} && -z ${only} && ${cur} == --*=* ]]; then
        before=${cur%%=*}=
        _nbssh_value "${cur%%=*}"
    elif [[ -z ${value} && -z ${only} && ${cur} == -* ]]; then
        _nbssh_offer_options
    elif [[ -z ${value} ]]; then
        value=${arguments[0]-}
        value=${value%\*}
    fi
    case ${value} in
        profile)
            # shellcheck disable=SC2207  # names without blanks and patterns
            words=($(_nbssh_profiles "${cur#"${before}"}"))
            if [[ ${given} == ' ' ]]; then
                _nbssh_offer ${words[@]+"${words[@]}"}
            else
                for word in ${words[@]+"${words[@]}"}; do
                    [[ ${given} == *" ${word} "* ]] || _nbssh_offer "${word}"
                done
            fi
            ;;
        host) _nbssh_offer_hosts ;;
        *\|*)
            # shellcheck disable=SC2086  # several words
            _nbssh_offer ${value//|/ }
            ;;
        *) ;;
    esac
    _nbssh_trim
}

complete -F _nbssh nbssh
