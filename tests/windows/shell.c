/* bedshell.exe COMMAND: has cmd.exe run a command of ssh_config, as OpenSSH for Windows does; its status is ours. */
#include <stdio.h>
#include <windows.h>

int wmain(int argc, wchar_t **argv)
{
    wchar_t line[32768];
    STARTUPINFOW start = {.cb = sizeof start};
    PROCESS_INFORMATION made;
    DWORD status = 1;

    if (argc != 2)
        return 2;
    _snwprintf(line, 32767, L"C:\\windows\\system32\\cmd.exe /c %ls", argv[1]);
    line[32767] = 0;
    /* wine 8 keeps what `for /f` reads in a file that it names without quotes */
    SetEnvironmentVariableW(L"TMP", L"C:\\windows\\temp");
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &made))
        return 1;
    WaitForSingleObject(made.hProcess, INFINITE);
    GetExitCodeProcess(made.hProcess, &status);
    return (int)status;
}
