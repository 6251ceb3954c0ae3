@echo off
:: Made by nbssh for all its profiles: opens the browser once Jupyter answers. Overwritten by: nbssh apply
{{ seal|verbatim }}
:: ssh's LocalCommand runs this before any byte flows and waits for it, so the work goes on in the background.
:: usage: open.cmd NAME PORT PROGRAM page|ask|hold PAGE [path=SHOWN]
:: PROGRAM is the id of the program on the host, or its folder. PAGE is the file that carries a token, if there is one.
:: Where somebody else could listen at the far end: ask by a login of its own, or open nothing.
setlocal EnableExtensions DisableDelayedExpansion
if "%~1"==":later" goto later
set "name=%~1"
set "port=%~2"
set "program=%~3"
set "caution=%~4"
set "page=%~5"
set "shown=%~6"
set "self=%~f0"
set "system=%SystemRoot%\System32"
set "listeners="
set "several="
set "tunnel="
set "tunnels="
set "foreign="
:: ssh hands a per cent sign over between quotes
set "self=%self:"=%"
set self="%self%"
set "page=%page:"=%"
if defined shown set "shown=%shown:"=%"
if defined shown set "shown=%shown:~5%"

:: Windows lets a second ssh listen on the port of the first, so nothing fails where both do. Listeners are told by their
:: addresses: the states are words of the user's language.
for /f "tokens=2,3,5" %%a in ('%system%\NETSTAT.EXE -ano -p TCP') do if "%%a %%b"=="127.0.0.1:%port% 0.0.0.0:0" call :listener %%c
if defined several for %%a in (%listeners%) do call :program %%a
if defined foreign if defined tunnel goto taken
if defined tunnels goto shared
:: a second cmd.exe expands the path: the signs in it mean nothing to it then
start "" /b "%ComSpec%" /d /c %%self%% :later <nul >nul 2>&1
exit /b 0

:listener
if defined listeners set "several=yes"
set "listeners=%listeners% %1"
exit /b 0

:program
set "image="
for /f "tokens=1,2 delims=," %%a in ('%system%\tasklist.exe /fi "PID eq %1" /fo csv /nh') do if "%%~b"=="%1" set "image=%%~a"
if /i not "%image%"=="ssh.exe" (
    set "foreign=%image%, process %1"
    exit /b 0
)
if defined tunnel set "tunnels=yes"
set "tunnel=%1"
exit /b 0

:shared
>&2 echo nbssh: port %port% of this computer is served by the first session; this window shows the same Jupyter
exit /b 0

:: This session ends, for its page would not be Jupyter's; where there are several, none can be told for this one.
:taken
setlocal EnableDelayedExpansion
>&2 echo nbssh: error: port %port% of this computer is taken by another program (!foreign!)
>&2 echo nbssh: hint: end that, or take another port: nbssh edit %name%
if not defined tunnels %system%\taskkill.exe /f /pid %tunnel% >nul
exit /b 0

:later
if "%caution%"=="hold" exit /b
if "%caution%"=="ask" goto ask
set looks=0

:: Until the page answers, whatever it says, or the port has closed with the session (7); 600 times at most.
:look
%system%\curl.exe -s --noproxy "*" --max-time 10 http://127.0.0.1:%port%/api >nul
if %errorlevel%==0 goto show
if %errorlevel%==7 exit /b
set /a looks+=1
if %looks%==600 exit /b
%system%\PING.EXE -n 2 127.0.0.1 >nul
goto look

:: Launch says whether it has verified Jupyter, to a login that asks nobody anything. A number that nobody can have said
:: before: only a word with it counts, no status and no echo.
:ask
set "ssh=%system%\OpenSSH\ssh.exe"
if not exist "%ssh%" set "ssh=ssh.exe"
set "nonce=%random%%random%%random%%random%"
set "wait=~/.local/share/nbssh/program/%program%/wait %name%"
if "%program:~0,1%"=="/" set "wait=%program%/wait %name%"
set "verified="
for /f "delims=" %%a in ('%ssh% -T "-oBatchMode=yes" "-oClearAllForwardings=yes" "-oRemoteCommand=none" "-oPermitLocalCommand=no" "-oForwardAgent=no" "-oForwardX11=no" %name%-nb exec /bin/sh "%wait% %nonce% 60"') do if "%%a"=="nbssh-%nonce%-verified" set "verified=yes"
if not defined verified exit /b

:: a file that only you can read carries the token, so that it is in no command line
:show
if exist "%page%" (start "" "%page%") else start "" "http://127.0.0.1:%port%/%shown%"
