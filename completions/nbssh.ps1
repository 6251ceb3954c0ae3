# Completion of nbssh for PowerShell. Made from templates/completions/nbssh.ps1; change it there.
# To have it in each new PowerShell: nbssh completions powershell >> $PROFILE
# A Tab starts no program of ours: the commands stand here, the profiles are the files in ~/.ssh/nbssh.d.

Register-ArgumentCompleter -Native -CommandName nbssh -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # What may follow each command, '' for none yet. A value or argument is profile, host, - for nothing that could be
    # offered, or the choices as one|two; an argument that ends in * may come again.
    $grammar = @{
        '' = @{
            Arguments = @('add|apply|diff|list|show|status|open|url|unit|logs|kill|job|passwd|edit|render|templates|remove|init|uninstall|doctor|check|completions|demo')
            Options = @(
                @{ Flags = @('--color'); Value = 'auto|always|never'; Again = $false; Help = 'When to use colours' }
                @{ Flags = @('-V', '--version'); Value = ''; Again = $false; Help = 'Print the version' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'add' = @{
            Arguments = @('host', 'host')
            Options = @(
                @{ Flags = @('--port'); Value = '-'; Again = $false; Help = 'Local port (default: one of 20000-29999, made from the name)' }
                @{ Flags = @('--also'); Value = '-'; Again = $true; Help = 'A port (6006), HOST:PORT or socket of the host, too; repeatable' }
                @{ Flags = @('--jupyter'); Value = '-'; Again = $false; Help = 'Jupyter''s program on the host, or its environment''s folder' }
                @{ Flags = @('--app'); Value = 'lab|notebook|server|marimo|tensorboard|code-server|rstudio|pluto'; Again = $false; Help = 'What to run, or an app that you described (default: lab)' }
                @{ Flags = @('--dir'); Value = '-'; Again = $false; Help = 'Notebook folder on the host (default: home)' }
                @{ Flags = @('--server-dir'); Value = '-'; Again = $false; Help = 'Folder on the host for nbssh''s files (default: below the home)' }
                @{ Flags = @('--setup'); Value = '-'; Again = $true; Help = 'Shell line to run before Jupyter; repeatable' }
                @{ Flags = @('--setup-shell'); Value = '-'; Again = $false; Help = 'Shell for the --setup lines, e.g. ''bash -l''' }
                @{ Flags = @('--forward'); Value = 'auto|socket|tcp'; Again = $false; Help = 'How the tunnel ends on the host' }
                @{ Flags = @('--remote-port'); Value = '-'; Again = $false; Help = 'Port on the host, for tcp' }
                @{ Flags = @('--scheduler'); Value = 'slurm|gridengine|pbs|lsf|flux|oar|pjm'; Again = $false; Help = 'Run Jupyter in a batch job of this scheduler' }
                @{ Flags = @('--job-option'); Value = '-'; Again = $true; Help = 'Option of its submission command; repeatable' }
                @{ Flags = @('--adopt'); Value = ''; Again = $false; Help = 'Use the Jupyter that you run there already, started by hand' }
                @{ Flags = @('--idle'); Value = '-'; Again = $false; Help = 'Shut down after so long without use' }
                @{ Flags = @('--after-idle'); Value = '-'; Again = $false; Help = 'Run this on the host once --idle has ended Jupyter' }
                @{ Flags = @('--persist'); Value = '-'; Again = $false; Help = 'Keep the connection so long after its last use, e.g. 1h (default: 5 s)' }
                @{ Flags = @('--no-browser'); Value = ''; Again = $false; Help = 'Never open a browser' }
                @{ Flags = @('--token'); Value = ''; Again = $false; Help = 'A random token instead of a password' }
                @{ Flags = @('--editor'); Value = ''; Again = $false; Help = 'For an editor: a port and a token; prints the address to paste' }
                @{ Flags = @('-n', '--dry-run'); Value = ''; Again = $false; Help = 'Look at the host, write nothing; show what would be, as a diff' }
                @{ Flags = @('--password-stdin'); Value = ''; Again = $false; Help = 'Read the notebook password from stdin' }
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'apply' = @{
            Arguments = @('profile*')
            Options = @(
                @{ Flags = @('-n', '--dry-run'); Value = ''; Again = $false; Help = 'Only say what would be done' }
                @{ Flags = @('--check'); Value = ''; Again = $false; Help = 'Change nothing; status 3 if something is out of date' }
                @{ Flags = @('--probe'); Value = ''; Again = $false; Help = 'Look at the hosts again, for a Jupyter that was upgraded or moved' }
                @{ Flags = @('--prefer'); Value = 'here|there'; Again = $false; Help = 'Who wins where this laptop and another one changed' }
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'diff' = @{
            Arguments = @('profile*')
            Options = @(
                @{ Flags = @('--local'); Value = ''; Again = $false; Help = 'Leave the hosts out' }
                @{ Flags = @('--exit-code'); Value = ''; Again = $false; Help = 'Status 3 if there is a difference' }
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'list' = @{
            Arguments = @()
            Options = @(
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'show' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'status' = @{
            Arguments = @('profile*')
            Options = @(
                @{ Flags = @('--wide'); Value = ''; Again = $false; Help = 'Load, memory and GPUs of the hosts, too' }
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'open' = @{
            Arguments = @('profile', '-')
            Options = @(
                @{ Flags = @('--lab'); Value = ''; Again = $false; Help = 'Show it in JupyterLab' }
                @{ Flags = @('--tree'); Value = ''; Again = $false; Help = 'Show it as Jupyter Notebook does' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'url' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('--env'); Value = ''; Again = $false; Help = 'Print lines for a shell: JUPYTER_URL, JUPYTER_TOKEN' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'unit' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--server'); Value = ''; Again = $false; Help = 'One for the host: it starts Jupyter with the machine' }
                @{ Flags = @('--install'); Value = ''; Again = $false; Help = 'Write it, and let the system run it' }
                @{ Flags = @('--remove'); Value = ''; Again = $false; Help = 'End it, and delete it' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'logs' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('-f', '--follow'); Value = ''; Again = $false; Help = 'Go on as the log grows, until Ctrl-C' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'kill' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'job' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--option'); Value = '-'; Again = $true; Help = 'Submit the job with this word more, for once; again and again' }
                @{ Flags = @('--join'); Value = '-'; Again = $false; Help = 'Start Jupyter in a job that you have (salloc)' }
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'passwd' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--token'); Value = ''; Again = $false; Help = 'A random token instead of a password' }
                @{ Flags = @('--password-stdin'); Value = ''; Again = $false; Help = 'Read the notebook password from stdin' }
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'edit' = @{
            Arguments = @('profile', '-*')
            Options = @(
                @{ Flags = @('--schema'); Value = ''; Again = $false; Help = 'Only print the path of the JSON schema of profile files' }
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'render' = @{
            Arguments = @('host', 'host')
            Options = @(
                @{ Flags = @('--port'); Value = '-'; Again = $false; Help = 'Local port (default: one of 20000-29999, made from the name)' }
                @{ Flags = @('--also'); Value = '-'; Again = $true; Help = 'A port (6006), HOST:PORT or socket of the host, too; repeatable' }
                @{ Flags = @('--jupyter'); Value = '-'; Again = $false; Help = 'Jupyter''s program on the host, or its environment''s folder' }
                @{ Flags = @('--app'); Value = 'lab|notebook|server|marimo|tensorboard|code-server|rstudio|pluto'; Again = $false; Help = 'What to run, or an app that you described (default: lab)' }
                @{ Flags = @('--dir'); Value = '-'; Again = $false; Help = 'Notebook folder on the host (default: home)' }
                @{ Flags = @('--server-dir'); Value = '-'; Again = $false; Help = 'Folder on the host for nbssh''s files (default: below the home)' }
                @{ Flags = @('--setup'); Value = '-'; Again = $true; Help = 'Shell line to run before Jupyter; repeatable' }
                @{ Flags = @('--setup-shell'); Value = '-'; Again = $false; Help = 'Shell for the --setup lines, e.g. ''bash -l''' }
                @{ Flags = @('--forward'); Value = 'auto|socket|tcp'; Again = $false; Help = 'How the tunnel ends on the host' }
                @{ Flags = @('--remote-port'); Value = '-'; Again = $false; Help = 'Port on the host, for tcp' }
                @{ Flags = @('--scheduler'); Value = 'slurm|gridengine|pbs|lsf|flux|oar|pjm'; Again = $false; Help = 'Run Jupyter in a batch job of this scheduler' }
                @{ Flags = @('--job-option'); Value = '-'; Again = $true; Help = 'Option of its submission command; repeatable' }
                @{ Flags = @('--adopt'); Value = ''; Again = $false; Help = 'Use the Jupyter that you run there already, started by hand' }
                @{ Flags = @('--idle'); Value = '-'; Again = $false; Help = 'Shut down after so long without use' }
                @{ Flags = @('--after-idle'); Value = '-'; Again = $false; Help = 'Run this on the host once --idle has ended Jupyter' }
                @{ Flags = @('--persist'); Value = '-'; Again = $false; Help = 'Keep the connection so long after its last use, e.g. 1h (default: 5 s)' }
                @{ Flags = @('--no-browser'); Value = ''; Again = $false; Help = 'Never open a browser' }
                @{ Flags = @('--token'); Value = ''; Again = $false; Help = 'A random token instead of a password' }
                @{ Flags = @('--to'); Value = '-'; Again = $false; Help = 'The folder to write, a new one' }
                @{ Flags = @('--home'); Value = '-'; Again = $false; Help = 'Your home on the host, if it is known' }
                @{ Flags = @('--password-stdin'); Value = ''; Again = $false; Help = 'Read the notebook password from stdin' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'templates' = @{
            Arguments = @('list|eject|diff', '-')
            Options = @(
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'remove' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('--everywhere'); Value = ''; Again = $false; Help = 'Remove the host''s files even if another laptop uses them' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'init' = @{
            Arguments = @()
            Options = @(
                @{ Flags = @('--print'); Value = ''; Again = $false; Help = 'Only print the lines, if something else manages your dotfiles' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'uninstall' = @{
            Arguments = @()
            Options = @(
                @{ Flags = @('--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('--everywhere'); Value = ''; Again = $false; Help = 'Remove the host''s files even if another laptop uses them' }
                @{ Flags = @('-y', '--yes'); Value = ''; Again = $false; Help = 'Answer yes to every question' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'doctor' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--local', '--offline'); Value = ''; Again = $false; Help = 'Contact no host' }
                @{ Flags = @('--report'); Value = ''; Again = $false; Help = 'Print a report to paste, without secrets' }
                @{ Flags = @('--json'); Value = ''; Again = $false; Help = 'Print one JSON object' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'check' = @{
            Arguments = @('profile')
            Options = @(
                @{ Flags = @('--password-stdin'); Value = ''; Again = $false; Help = 'Read the notebook password from stdin' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'completions' = @{
            Arguments = @('bash|zsh|fish|powershell')
            Options = @(
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
        'demo' = @{
            Arguments = @()
            Options = @(
                @{ Flags = @('--once'); Value = ''; Again = $false; Help = 'Do not wait: log in, run one cell, clean up' }
                @{ Flags = @('-v', '--verbose'); Value = ''; Again = $false; Help = 'Show programs, files and steps, with times' }
                @{ Flags = @('-h', '--help'); Value = ''; Again = $false; Help = 'Show the help' }
            )
        }
    }
    $commandHelp = @{
        'add' = 'Set up a profile: look at the host, install what is needed there and here'
        'apply' = 'Make every file, here and on the hosts, match the profiles'
        'diff' = 'Show as a unified diff what apply would change, here and on the hosts'
        'list' = 'List the profiles, one line each'
        'show' = 'Show everything about one profile: what is declared, what was found, which files there are'
        'status' = 'Show what runs where: tunnel, Jupyter, version, kernels, last activity'
        'open' = 'Open the tunnel in the background, if none is up, and the browser'
        'url' = 'Print the address for other programs: VS Code, PyCharm, a browser elsewhere'
        'unit' = 'Print a systemd user unit, or a launchd agent, that keeps the tunnel up after sleep and network changes'
        'logs' = 'Print Jupyter''s log'
        'kill' = 'Stop the Jupyter of one profile, as `ssh NAME-nb-kill` does'
        'job' = 'Show the job in which Jupyter runs: state, node, time left, expected start'
        'passwd' = 'Give a profile a new notebook password, or a new token'
        'edit' = 'Edit a profile in $VISUAL or $EDITOR, see what follows from it, apply it'
        'render' = 'Write all files of a profile into a folder, for two homes, to be carried there by hand; contact nobody'
        'templates' = 'List the templates of all files, copy one to be your own (eject), or show what yours change (diff)'
        'remove' = 'Stop Jupyter and remove everything of one profile, there and here'
        'init' = 'Put nbssh''s one Include line into ~/.ssh/config'
        'uninstall' = 'Take out all that nbssh ever wrote, on hosts too: profiles, aliases, the Include line'
        'doctor' = 'Check everything, here and on the hosts, and say what repairs each finding'
        'check' = 'Try it as a person would: ssh NAME-nb, load the page, log in, detach'
        'completions' = 'Print the completion script of a shell; a Tab then starts no Python'
        'demo' = 'Show the whole thing on this machine alone, with a throw-away sshd and a temporary home'
    }

    # Where are we?
    $command = ''
    $here = $grammar['']
    $place = 0
    $given = @()
    $value = ''
    $onlyArguments = $false
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete -ne '') { break }
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        $word = $element.ToString()
        if ($value) {
            $value = ''
        } elseif (-not $onlyArguments -and $word -ceq '--') {
            $onlyArguments = $true
        } elseif (-not $onlyArguments -and $word.StartsWith('-')) {
            $flag = ($word -split '=', 2)[0]
            $given += $flag
            if ($flag -ceq $word) {
                $value = $here.Options | Where-Object { $_.Flags -ccontains $flag } | ForEach-Object { $_.Value }
            }
        } elseif ($command -ceq '') {
            $command = $word
            $here = $grammar[$word]
            $given = @()
            if ($null -eq $here) { return }
        } else {
            $given += $word
            if ($place -lt $here.Arguments.Count -and -not $here.Arguments[$place].EndsWith('*')) { $place++ }
        }
    }

    # What can stand here? Each word with what it means.
    $before = ''
    $offers = @()
    if (-not $value -and -not $onlyArguments -and $wordToComplete -clike '--*=*') {
        $flag = ($wordToComplete -split '=', 2)[0]
        $before = "$flag="
        $value = $here.Options | Where-Object { $_.Flags -ccontains $flag } | ForEach-Object { $_.Value }
    } elseif (-not $value -and -not $onlyArguments -and $wordToComplete -clike '-*') {
        foreach ($option in $here.Options) {
            if (-not $option.Again -and ($option.Flags | Where-Object { $given -ccontains $_ })) { continue }
            foreach ($flag in $option.Flags) {
                $offers += @{ Word = $flag; Meaning = $option.Help }
            }
        }
    } elseif (-not $value -and $place -lt $here.Arguments.Count) {
        $value = $here.Arguments[$place].TrimEnd('*')
    }
    if ($value -ceq 'profile') {
        $userHome = if ($env:HOME) { $env:HOME } else { $HOME }
        if ($userHome) {
            $folder = [IO.Path]::Combine($userHome, '.ssh', 'nbssh.d')
            foreach ($file in (Get-ChildItem -LiteralPath $folder -Filter '*.conf' -File -ErrorAction Ignore)) {
                if ($given -cnotcontains $file.BaseName) {
                    $offers += @{ Word = $file.BaseName; Meaning = 'profile' }
                }
            }
        }
    } elseif ($value -clike '*|*') {
        foreach ($choice in $value.Split('|')) {
            $offers += @{ Word = "$before$choice"; Meaning = $(if ($command -ceq '') { $commandHelp[$choice] }) }
        }
    }

    foreach ($offer in $offers) {
        if (-not $offer.Word.StartsWith($wordToComplete, [StringComparison]::Ordinal)) { continue }
        $meaning = if ($offer.Meaning) { $offer.Meaning } else { $offer.Word }
        [System.Management.Automation.CompletionResult]::new($offer.Word, $offer.Word, 'ParameterValue', $meaning)
    }
}
