/* powershell.exe: writes the command line it was given into C:\powershell.log, one a line in UTF-8, and succeeds. */
#include <windows.h>

int wmain(void)
{
    char bytes[65536];
    DWORD done;
    int length = WideCharToMultiByte(CP_UTF8, 0, GetCommandLineW(), -1, bytes, sizeof bytes, NULL, NULL);
    HANDLE file = CreateFileW(L"C:\\powershell.log", FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE || length < 1)
        return 1;
    bytes[length - 1] = '\n';
    return WriteFile(file, bytes, (DWORD)length, &done, NULL) ? 0 : 1;
}
