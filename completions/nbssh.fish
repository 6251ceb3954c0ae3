# Completion of nbssh for fish 3 and newer. Made from templates/completions/nbssh.fish; change it there.
# To have it in each new fish:
#   mkdir -p ~/.config/fish/completions && nbssh completions fish > ~/.config/fish/completions/nbssh.fish
# A Tab starts no program of ours: the commands stand here, the profiles are the files in ~/.ssh/nbssh.d.

# Print the command and the arguments before the cursor, one a line.
function _nbssh_words
    # The options that take a value, each behind its command.
    set -l valued
    set -a valued ' --color'
    set -a valued 'add --port'
    set -a valued 'add --also'
    set -a valued 'add --jupyter'
    set -a valued 'add --app'
    set -a valued 'add --dir'
    set -a valued 'add --server-dir'
    set -a valued 'add --setup'
    set -a valued 'add --setup-shell'
    set -a valued 'add --forward'
    set -a valued 'add --remote-port'
    set -a valued 'add --scheduler'
    set -a valued 'add --job-option'
    set -a valued 'add --idle'
    set -a valued 'add --after-idle'
    set -a valued 'add --persist'
    set -a valued 'apply --prefer'
    set -a valued 'job --option'
    set -a valued 'job --join'
    set -a valued 'render --port'
    set -a valued 'render --also'
    set -a valued 'render --jupyter'
    set -a valued 'render --app'
    set -a valued 'render --dir'
    set -a valued 'render --server-dir'
    set -a valued 'render --setup'
    set -a valued 'render --setup-shell'
    set -a valued 'render --forward'
    set -a valued 'render --remote-port'
    set -a valued 'render --scheduler'
    set -a valued 'render --job-option'
    set -a valued 'render --idle'
    set -a valued 'render --after-idle'
    set -a valued 'render --persist'
    set -a valued 'render --to'
    set -a valued 'render --home'
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
complete -c nbssh -n '_nbssh_at ""' -a add -d 'Set up a profile: look at the host, install what is needed there and here'
complete -c nbssh -n '_nbssh_at ""' -a apply -d 'Make every file, here and on the hosts, match the profiles'
complete -c nbssh -n '_nbssh_at ""' -a diff -d 'Show as a unified diff what apply would change, here and on the hosts'
complete -c nbssh -n '_nbssh_at ""' -a list -d 'List the profiles, one line each'
complete -c nbssh -n '_nbssh_at ""' -a show -d 'Show everything about one profile: what is declared, what was found, which files there are'
complete -c nbssh -n '_nbssh_at ""' -a status -d 'Show what runs where: tunnel, Jupyter, version, kernels, last activity'
complete -c nbssh -n '_nbssh_at ""' -a open -d 'Open the tunnel in the background, if none is up, and the browser'
complete -c nbssh -n '_nbssh_at ""' -a url -d 'Print the address for other programs: VS Code, PyCharm, a browser elsewhere'
complete -c nbssh -n '_nbssh_at ""' -a unit -d 'Print a systemd user unit, or a launchd agent, that keeps the tunnel up after sleep and network changes'
complete -c nbssh -n '_nbssh_at ""' -a logs -d 'Print Jupyter\'s log'
complete -c nbssh -n '_nbssh_at ""' -a kill -d 'Stop the Jupyter of one profile, as `ssh NAME-nb-kill` does'
complete -c nbssh -n '_nbssh_at ""' -a job -d 'Show the job in which Jupyter runs: state, node, time left, expected start'
complete -c nbssh -n '_nbssh_at ""' -a passwd -d 'Give a profile a new notebook password, or a new token'
complete -c nbssh -n '_nbssh_at ""' -a edit -d 'Edit a profile in $VISUAL or $EDITOR, see what follows from it, apply it'
complete -c nbssh -n '_nbssh_at ""' -a render -d 'Write all files of a profile into a folder, for two homes, to be carried there by hand; contact nobody'
complete -c nbssh -n '_nbssh_at ""' -a templates -d 'List the templates of all files, copy one to be your own (eject), or show what yours change (diff)'
complete -c nbssh -n '_nbssh_at ""' -a remove -d 'Stop Jupyter and remove everything of one profile, there and here'
complete -c nbssh -n '_nbssh_at ""' -a init -d 'Put nbssh\'s one Include line into ~/.ssh/config'
complete -c nbssh -n '_nbssh_at ""' -a uninstall -d 'Take out all that nbssh ever wrote, on hosts too: profiles, aliases, the Include line'
complete -c nbssh -n '_nbssh_at ""' -a doctor -d 'Check everything, here and on the hosts, and say what repairs each finding'
complete -c nbssh -n '_nbssh_at ""' -a check -d 'Try it as a person would: ssh NAME-nb, load the page, log in, detach'
complete -c nbssh -n '_nbssh_at ""' -a completions -d 'Print the completion script of a shell; a Tab then starts no Python'
complete -c nbssh -n '_nbssh_at ""' -a demo -d 'Show the whole thing on this machine alone, with a throw-away sshd and a temporary home'

complete -c nbssh -n '_nbssh_at ""' -l color -x -a 'auto always never' -d 'When to use colours'
complete -c nbssh -n '_nbssh_at ""' -s V -l version -d 'Print the version'
complete -c nbssh -n '_nbssh_at ""' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at ""' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at add 1' -a '(_nbssh_hosts)'
complete -c nbssh -n '_nbssh_at add 2' -a '(_nbssh_hosts)'
complete -c nbssh -n '_nbssh_at add' -l port -x -d 'Local port (default: one of 20000-29999, made from the name)'
complete -c nbssh -n '_nbssh_at add' -l also -x -d 'A port (6006), HOST:PORT or socket of the host, too; repeatable'
complete -c nbssh -n '_nbssh_at add' -l jupyter -x -d 'Jupyter\'s program on the host, or its environment\'s folder'
complete -c nbssh -n '_nbssh_at add' -l app -x -a 'lab notebook server marimo tensorboard code-server rstudio pluto' -d 'What to run, or an app that you described (default: lab)'
complete -c nbssh -n '_nbssh_at add' -l dir -x -d 'Notebook folder on the host (default: home)'
complete -c nbssh -n '_nbssh_at add' -l server-dir -x -d 'Folder on the host for nbssh\'s files (default: below the home)'
complete -c nbssh -n '_nbssh_at add' -l setup -x -d 'Shell line to run before Jupyter; repeatable'
complete -c nbssh -n '_nbssh_at add' -l setup-shell -x -d 'Shell for the --setup lines, e.g. \'bash -l\''
complete -c nbssh -n '_nbssh_at add' -l forward -x -a 'auto socket tcp' -d 'How the tunnel ends on the host'
complete -c nbssh -n '_nbssh_at add' -l remote-port -x -d 'Port on the host, for tcp'
complete -c nbssh -n '_nbssh_at add' -l scheduler -x -a 'slurm gridengine pbs lsf flux oar pjm' -d 'Run Jupyter in a batch job of this scheduler'
complete -c nbssh -n '_nbssh_at add' -l job-option -x -d 'Option of its submission command; repeatable'
complete -c nbssh -n '_nbssh_at add' -l adopt -d 'Use the Jupyter that you run there already, started by hand'
complete -c nbssh -n '_nbssh_at add' -l idle -x -d 'Shut down after so long without use'
complete -c nbssh -n '_nbssh_at add' -l after-idle -x -d 'Run this on the host once --idle has ended Jupyter'
complete -c nbssh -n '_nbssh_at add' -l persist -x -d 'Keep the connection so long after its last use, e.g. 1h (default: 5 s)'
complete -c nbssh -n '_nbssh_at add' -l no-browser -d 'Never open a browser'
complete -c nbssh -n '_nbssh_at add' -l token -d 'A random token instead of a password'
complete -c nbssh -n '_nbssh_at add' -l editor -d 'For an editor: a port and a token; prints the address to paste'
complete -c nbssh -n '_nbssh_at add' -s n -l dry-run -d 'Look at the host, write nothing; show what would be, as a diff'
complete -c nbssh -n '_nbssh_at add' -l password-stdin -d 'Read the notebook password from stdin'
complete -c nbssh -n '_nbssh_at add' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at add' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at add' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at add' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at apply 1 more' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at apply' -s n -l dry-run -d 'Only say what would be done'
complete -c nbssh -n '_nbssh_at apply' -l check -d 'Change nothing; status 3 if something is out of date'
complete -c nbssh -n '_nbssh_at apply' -l probe -d 'Look at the hosts again, for a Jupyter that was upgraded or moved'
complete -c nbssh -n '_nbssh_at apply' -l prefer -x -a 'here there' -d 'Who wins where this laptop and another one changed'
complete -c nbssh -n '_nbssh_at apply' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at apply' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at apply' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at apply' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at apply' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at diff 1 more' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at diff' -l local -d 'Leave the hosts out'
complete -c nbssh -n '_nbssh_at diff' -l exit-code -d 'Status 3 if there is a difference'
complete -c nbssh -n '_nbssh_at diff' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at diff' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at diff' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at diff' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at list' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at list' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at list' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at show 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at show' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at show' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at show' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at status 1 more' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at status' -l wide -d 'Load, memory and GPUs of the hosts, too'
complete -c nbssh -n '_nbssh_at status' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at status' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at status' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at open 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at open' -l lab -d 'Show it in JupyterLab'
complete -c nbssh -n '_nbssh_at open' -l tree -d 'Show it as Jupyter Notebook does'
complete -c nbssh -n '_nbssh_at open' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at open' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at url 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at url' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at url' -l env -d 'Print lines for a shell: JUPYTER_URL, JUPYTER_TOKEN'
complete -c nbssh -n '_nbssh_at url' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at url' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at unit 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at unit' -l server -d 'One for the host: it starts Jupyter with the machine'
complete -c nbssh -n '_nbssh_at unit' -l install -d 'Write it, and let the system run it'
complete -c nbssh -n '_nbssh_at unit' -l remove -d 'End it, and delete it'
complete -c nbssh -n '_nbssh_at unit' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at unit' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at logs 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at logs' -s f -l follow -d 'Go on as the log grows, until Ctrl-C'
complete -c nbssh -n '_nbssh_at logs' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at logs' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at kill 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at kill' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at kill' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at job 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at job' -l option -x -d 'Submit the job with this word more, for once; again and again'
complete -c nbssh -n '_nbssh_at job' -l join -x -d 'Start Jupyter in a job that you have (salloc)'
complete -c nbssh -n '_nbssh_at job' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at job' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at job' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at passwd 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at passwd' -l token -d 'A random token instead of a password'
complete -c nbssh -n '_nbssh_at passwd' -l password-stdin -d 'Read the notebook password from stdin'
complete -c nbssh -n '_nbssh_at passwd' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at passwd' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at passwd' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at passwd' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at edit 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at edit' -l schema -d 'Only print the path of the JSON schema of profile files'
complete -c nbssh -n '_nbssh_at edit' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at edit' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at edit' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at edit' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at render 1' -a '(_nbssh_hosts)'
complete -c nbssh -n '_nbssh_at render 2' -a '(_nbssh_hosts)'
complete -c nbssh -n '_nbssh_at render' -l port -x -d 'Local port (default: one of 20000-29999, made from the name)'
complete -c nbssh -n '_nbssh_at render' -l also -x -d 'A port (6006), HOST:PORT or socket of the host, too; repeatable'
complete -c nbssh -n '_nbssh_at render' -l jupyter -x -d 'Jupyter\'s program on the host, or its environment\'s folder'
complete -c nbssh -n '_nbssh_at render' -l app -x -a 'lab notebook server marimo tensorboard code-server rstudio pluto' -d 'What to run, or an app that you described (default: lab)'
complete -c nbssh -n '_nbssh_at render' -l dir -x -d 'Notebook folder on the host (default: home)'
complete -c nbssh -n '_nbssh_at render' -l server-dir -x -d 'Folder on the host for nbssh\'s files (default: below the home)'
complete -c nbssh -n '_nbssh_at render' -l setup -x -d 'Shell line to run before Jupyter; repeatable'
complete -c nbssh -n '_nbssh_at render' -l setup-shell -x -d 'Shell for the --setup lines, e.g. \'bash -l\''
complete -c nbssh -n '_nbssh_at render' -l forward -x -a 'auto socket tcp' -d 'How the tunnel ends on the host'
complete -c nbssh -n '_nbssh_at render' -l remote-port -x -d 'Port on the host, for tcp'
complete -c nbssh -n '_nbssh_at render' -l scheduler -x -a 'slurm gridengine pbs lsf flux oar pjm' -d 'Run Jupyter in a batch job of this scheduler'
complete -c nbssh -n '_nbssh_at render' -l job-option -x -d 'Option of its submission command; repeatable'
complete -c nbssh -n '_nbssh_at render' -l adopt -d 'Use the Jupyter that you run there already, started by hand'
complete -c nbssh -n '_nbssh_at render' -l idle -x -d 'Shut down after so long without use'
complete -c nbssh -n '_nbssh_at render' -l after-idle -x -d 'Run this on the host once --idle has ended Jupyter'
complete -c nbssh -n '_nbssh_at render' -l persist -x -d 'Keep the connection so long after its last use, e.g. 1h (default: 5 s)'
complete -c nbssh -n '_nbssh_at render' -l no-browser -d 'Never open a browser'
complete -c nbssh -n '_nbssh_at render' -l token -d 'A random token instead of a password'
complete -c nbssh -n '_nbssh_at render' -l to -x -d 'The folder to write, a new one'
complete -c nbssh -n '_nbssh_at render' -l home -x -d 'Your home on the host, if it is known'
complete -c nbssh -n '_nbssh_at render' -l password-stdin -d 'Read the notebook password from stdin'
complete -c nbssh -n '_nbssh_at render' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at render' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at templates 1' -a 'list eject diff'
complete -c nbssh -n '_nbssh_at templates' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at templates' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at templates' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at remove 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at remove' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at remove' -l everywhere -d 'Remove the host\'s files even if another laptop uses them'
complete -c nbssh -n '_nbssh_at remove' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at remove' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at remove' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at init' -l print -d 'Only print the lines, if something else manages your dotfiles'
complete -c nbssh -n '_nbssh_at init' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at init' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at init' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at uninstall' -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at uninstall' -l everywhere -d 'Remove the host\'s files even if another laptop uses them'
complete -c nbssh -n '_nbssh_at uninstall' -s y -l yes -d 'Answer yes to every question'
complete -c nbssh -n '_nbssh_at uninstall' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at uninstall' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at doctor 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at doctor' -l local -l offline -d 'Contact no host'
complete -c nbssh -n '_nbssh_at doctor' -l report -d 'Print a report to paste, without secrets'
complete -c nbssh -n '_nbssh_at doctor' -l json -d 'Print one JSON object'
complete -c nbssh -n '_nbssh_at doctor' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at doctor' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at check 1' -a '(_nbssh_profiles)'
complete -c nbssh -n '_nbssh_at check' -l password-stdin -d 'Read the notebook password from stdin'
complete -c nbssh -n '_nbssh_at check' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at check' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at completions 1' -a 'bash zsh fish powershell'
complete -c nbssh -n '_nbssh_at completions' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at completions' -s h -l help -d 'Show the help'

complete -c nbssh -n '_nbssh_at demo' -l once -d 'Do not wait: log in, run one cell, clean up'
complete -c nbssh -n '_nbssh_at demo' -s v -l verbose -d 'Show programs, files and steps, with times'
complete -c nbssh -n '_nbssh_at demo' -s h -l help -d 'Show the help'
