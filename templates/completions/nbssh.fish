# Completion of nbssh for fish 3 and newer. Made from templates/completions/nbssh.fish; change it there.
# To have it in each new fish:
#   mkdir -p ~/.config/fish/completions && nbssh completions fish > ~/.config/fish/completions/nbssh.fish
# A Tab starts no program of ours: the commands stand here, the profiles are the files in ~/.ssh/nbssh.d.

# Print the command and the arguments before the cursor, one a line.
function _nbssh_words
    # The options that take a value, each behind its command.
    set -l valued
{% for command in [program] + commands %}
{% for option in command.options if option.value %}
    set -a valued{% for flag in option.flags %} {{ (command.name ~ ' ' ~ flag)|fish }}{% endfor +%}
{% endfor %}
{% endfor %}
    set -l tokens (commandline -opc)
    set -l command ''
    set -l value no
    set -l only no
    for token in $tokens[2..-1]
        if test $value = yes
            set value no
        else if test $only = no; and test "$token" = --
            set only yes
        else if test $only = no; and string match -qr -- '^-.' $token
            contains -- "$command $token" $valued; and set value yes
        else
            test -n "$command"; or set command $token
            printf '%s\n' $token
        end
    end
end

# Succeed if the command is $argv[1], '' for none yet; and if $argv[2] is given, where its argument number $argv[2]
# stands, or, with a third word, that one or any behind it.
function _nbssh_at
    # fish asks this for every command there is: the cheap look first
    test -z "$argv[1]"; or contains -- $argv[1] (commandline -opc); or return
    set -l words (_nbssh_words)
    test "$words[1]" = "$argv[1]"; or return
    set -q argv[2]; or return 0
    test (count $words) -eq $argv[2]; and return
    set -q argv[3]; and test (count $words) -ge $argv[2]
end

# Print the profiles that are not named on the line yet.
function _nbssh_profiles
    set -l words (_nbssh_words)
    for file in $HOME/.ssh/nbssh.d/*.conf
        set -l name (string replace -r '^.*/' '' -- $file | string replace -r '\.conf$' '')
        contains -- $name $words[2..-1]; or printf '%s\n' $name
    end
end

# Print the hosts that ssh's own completion knows; our own aliases are none.
function _nbssh_hosts
    functions -q __fish_print_hostnames; or return
    set -l user (commandline -ct | string match -r '^[^@]*@'; or printf '\n')
    printf '%s\n' $user(__fish_print_hostnames | string match -rv -- '-nb(-kill)?$')
end

complete -c nbssh -f
{% for command in commands %}
complete -c nbssh -n {{ '_nbssh_at ""'|fish }} -a {{ command.name|fish }} -d {{ command.help|fish }}
{% endfor %}
{% for command in [program] + commands %}
{% set at = '_nbssh_at ' ~ (command.name or '""') %}

{% if command.name %}
{% for argument in command.arguments if argument.offer.kind != 'nothing' %}
{% set words = argument.offer.choices|join(' ') if argument.offer.choices else '(_nbssh_' ~ argument.offer.kind ~ 's)' %}
complete -c nbssh -n {{ (at ~ ' ' ~ loop.index ~ (' more' if argument.repeatable else ''))|fish }} -a {{ words|fish }}
{% endfor %}
{% endif %}
{% for option in command.options %}
{% set words = '' if not option.value else option.value.choices|join(' ') if option.value.choices else '' if option.value.kind == 'nothing' else '(_nbssh_' ~ option.value.kind ~ 's)' %}
complete -c nbssh -n {{ at|fish }}
{%- for flag in option.flags %} {{ ('-l ' if flag[:2] == '--' else '-s ')|verbatim }}{{ flag.lstrip('-')|fish }}{% endfor %}
{% if option.value %} -x{% endif %}{% if words %} -a {{ words|fish }}{% endif %} -d {{ option.help|fish }}
{% endfor %}
{% endfor %}
