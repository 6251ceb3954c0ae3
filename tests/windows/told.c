/*
 * netstat.exe, tasklist.exe, taskkill.exe, winebrowser.exe: append the command line they were given to C:\told, one a
 * line in UTF-8, and print C:\NAME.txt where there is one.
 */
#include <windows.h>

static HANDLE open_file(const wchar_t *path, DWORD access, DWORD how)
{
    return CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

int wmain(void)
{
    static char bytes[65536];
    wchar_t program[1024], path[1024] = L"C:\\", *name, *dot;
    DWORD done;
    int length = WideCharToMultiByte(CP_UTF8, 0, GetCommandLineW(), -1, bytes, sizeof bytes, NULL, NULL);
    HANDLE file = open_file(L"C:\\told", FILE_APPEND_DATA, OPEN_ALWAYS);
    if (file == INVALID_HANDLE_VALUE || length < 1)
        return 1;
    bytes[length - 1] = '\n';
    WriteFile(file, bytes, (DWORD)length, &done, NULL);
    CloseHandle(file);

    GetModuleFileNameW(NULL, program, 1024);
    name = wcsrchr(program, '\\') + 1;
    if ((dot = wcsrchr(name, '.')))
        *dot = 0;
    lstrcatW(path, name);
    lstrcatW(path, L".txt");
    file = open_file(path, GENERIC_READ, OPEN_EXISTING);
    while (file != INVALID_HANDLE_VALUE && ReadFile(file, bytes, sizeof bytes, &done, NULL) && done)
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), bytes, done, &done, NULL);
    return 0;
}
