# Made by nbssh for all its profiles: opens the browser once Jupyter answers. Overwritten by: nbssh apply
# nbssh-checksum: sha256:...
# ssh's LocalCommand runs this before any byte flows and waits for it, so the work goes on in a process of its own.
# usage: open.ps1 NAME PORT PROGRAM [ask|hold] [-Show path=PAGE] [-Detached]; an alias of nbssh 0.1 names no PROGRAM
# Where somebody else could listen at the far end: ask by a login of its own, or open nothing.
param(
    [Parameter(Mandatory = $true)][string] $Name,
    [Parameter(Mandatory = $true)][int] $Port,
    [string] $Program = '',
    [string] $Caution = '',
    [string] $Show = '',
    [switch] $Detached
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$passed = @($Program, $Caution | Where-Object { $_ -ne '' }) -join ' '
if ($Show -ne '') { $passed += " -Show $Show" }
$script = "~/.local/share/nbssh/program/$Program/wait $Name"
if ($Program.StartsWith('/')) { $script = "$Program/wait $Name" }
if ('', 'ask', 'hold' -contains $Program) {
    $Caution = $Program
    $script = "~/.local/share/nbssh/$Name/wait"
}
$secrets = 'C:\Users\Zoë O''Neil\AppData\Local\nbssh\secrets'

$url = "http://127.0.0.1:$Port/"
$page = Join-Path -Path $secrets -ChildPath "$Name.html"
$system = Join-Path -Path $env:SystemRoot -ChildPath 'System32'

# Windows lets a second ssh listen on the port of the first, so nothing fails where both do.
function Get-Listener {
    $netstat = Join-Path -Path $system -ChildPath 'NETSTAT.EXE'
    $found = @()
    foreach ($line in (& $netstat -ano -p TCP)) {
        # by the addresses: the states are words of the user's language
        $words = @($line.Trim() -split '\s+')
        if ($words.Count -ge 4 -and $words[1] -eq "127.0.0.1:$Port" -and $words[2] -eq '0.0.0.0:0') {
            $found += [int] $words[-1]
        }
    }
    return @($found | Select-Object -Unique)
}

# The ssh that runs this, by way of cmd.exe; 0 if it cannot be found.
function Get-OwnSsh {
    $id = $PID
    foreach ($step in 1..4) {
        $process = Get-CimInstance -ClassName Win32_Process -Filter "ProcessId = $id"
        if ($null -eq $process) { return 0 }
        if ($process.Name -eq 'ssh.exe') { return [int] $process.ProcessId }
        $id = $process.ParentProcessId
    }
    return 0
}

function Get-ProgramName {
    param([int] $Id)
    $process = Get-Process -Id $Id -ErrorAction SilentlyContinue
    if ($null -eq $process) { return 'a program' }
    return $process.ProcessName
}

# Says who else has the port, and ends this session if that is no ssh: its page would not be Jupyter's.
function Test-Alone {
    $listeners = @(Get-Listener)
    if ($listeners.Count -lt 2) { return $true }
    $own = Get-OwnSsh
    $others = @($listeners | Where-Object { $_ -ne $own })
    $foreign = @($others | Where-Object { (Get-ProgramName -Id $_) -ne 'ssh' })
    if ($foreign.Count -eq 0) {
        $said = "nbssh: port $Port of this computer is served by the first session (ssh, process $($others -join ', '));" +
            ' this window shows the same Jupyter'
        [Console]::Error.WriteLine($said)
        return $false
    }
    $program = Get-ProgramName -Id $foreign[0]
    [Console]::Error.WriteLine("nbssh: error: port $Port of this computer is taken by $program (process $($foreign[0]))")
    [Console]::Error.WriteLine("nbssh: hint: end that, or take another port: nbssh edit $Name")
    if ($own -ne 0) { Stop-Process -Id $own -Force }
    return $false
}

# True once the page answers, false once the port has closed with the session, or after ten minutes of other answers.
function Wait-Page {
    foreach ($step in 1..1200) {
        try {
            $request = [System.Net.WebRequest]::Create($url + 'api')
            $request.Proxy = $null
            $request.Timeout = 10000
            $request.GetResponse().Close()
            return $true
        } catch {
            $failure = $_.Exception
            while ($null -ne $failure) {
                $refused = $failure -is [System.Net.Sockets.SocketException] -and $failure.ErrorCode -eq 10061
                if ($refused) { return $false }
                # what is no Jupyter has no such page, but says so
                if ($failure -is [System.Net.WebException] -and $null -ne $failure.Response) { return $true }
                $failure = $failure.InnerException
            }
        }
        Start-Sleep -Milliseconds 500
    }
    return $false
}

# True once launch has verified Jupyter, which it is asked without asking anybody anything.
function Wait-Launch {
    $ssh = Join-Path -Path $system -ChildPath 'OpenSSH\ssh.exe'
    if (-not (Test-Path -LiteralPath $ssh)) { $ssh = 'ssh.exe' }
    $options = @('BatchMode=yes', 'ClearAllForwardings=yes', 'RemoteCommand=none', 'PermitLocalCommand=no', 'ForwardAgent=no', 'ForwardX11=no')
    $words = @('-T') + @($options | ForEach-Object { '-o', $_ }) + "$Name-nb", 'exec', '/bin/sh'
    # a number that nobody can have said before: only a word with it counts, no status and no echo
    $nonce = [guid]::NewGuid().ToString('N')
    $said = @(& $ssh $words "$script $nonce 60")
    return $said -contains "nbssh-$nonce-verified"
}

function Wait-Server {
    if ($Caution -eq 'hold') { return $false }
    if ($Caution -eq 'ask') { return Wait-Launch }
    return Wait-Page
}

if (-not $Detached) {
    if (Test-Alone) {
        $powershell = Join-Path -Path $system -ChildPath 'WindowsPowerShell\v1.0\powershell.exe'
        $options = '-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -File'
        Start-Process -FilePath $powershell -WindowStyle Hidden -WorkingDirectory $system `
            -ArgumentList "$options `"$PSCommandPath`" $Name $Port $passed -Detached"
    }
} elseif (Wait-Server) {
    # a file that only you can read carries the token, so that it is in no command line
    if (Test-Path -LiteralPath $page) { Start-Process -FilePath $page } else { Start-Process -FilePath ($url + ($Show -replace '^path=', '')) }
}
