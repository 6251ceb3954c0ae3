# Completion of nbssh for PowerShell. Made from templates/completions/nbssh.ps1; change it there.
# To have it in each new PowerShell: nbssh completions powershell >> $PROFILE
# A Tab starts no program of ours: the commands stand here, the profiles are the files in ~/.ssh/nbssh.d.

Register-ArgumentCompleter -Native -CommandName nbssh -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # What may follow each command, '' for none yet. A value or argument is profile, host, - for nothing that could be
    # offered, or the choices as one|two; an argument that ends in * may come again.
    $grammar = @{
{% for command in [program] + commands %}
        {{ command.name|powershell }} = @{
            Arguments = @({% for argument in command.arguments %}{{ (argument.offer.code ~ ('*' if argument.repeatable else ''))|powershell }}{% if not loop.last %}, {% endif %}{% endfor %})
            Options = @(
{% for option in command.options %}
                @{ Flags = @({% for flag in option.flags %}{{ flag|powershell }}{% if not loop.last %}, {% endif %}{% endfor %}); Value = {{ (option.value.code if option.value else '')|powershell }}; Again = ${{ ('true' if option.repeatable else 'false')|verbatim }}; Help = {{ option.help|powershell }} }
{% endfor %}
            )
        }
{% endfor %}
    }
    $commandHelp = @{
{% for command in commands %}
        {{ command.name|powershell }} = {{ command.help|powershell }}
{% endfor %}
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
