/* whoami.exe: `whoami /user /fo csv /nh` names the account and its SID, `whoami` the account, as Windows' own does. */
#include <stdio.h>
#include <windows.h>
#include <sddl.h>

static void put(const wchar_t *text)
{
    char bytes[1024];
    DWORD done;
    int length = WideCharToMultiByte(GetOEMCP(), 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    if (length > 1)
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), bytes, (DWORD)length - 1, &done, NULL);
}

int wmain(int argc, wchar_t **argv)
{
    BYTE buffer[1024];
    wchar_t name[256], domain[256], line[1024], *sid;
    DWORD size = sizeof buffer, name_size = 256, domain_size = 256;
    SID_NAME_USE use;
    HANDLE token;
    TOKEN_USER *user = (TOKEN_USER *)buffer;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) ||
        !GetTokenInformation(token, TokenUser, buffer, size, &size) ||
        !LookupAccountSidW(NULL, user->User.Sid, name, &name_size, domain, &domain_size, &use) ||
        !ConvertSidToStringSidW(user->User.Sid, &sid))
        return 1;
    CharLowerW(name);
    CharLowerW(domain);
    if (argc > 1 && !_wcsicmp(argv[1], L"/user"))
        _snwprintf(line, 1024, L"\"%ls\\%ls\",\"%ls\"\r\n", domain, name, sid);
    else
        _snwprintf(line, 1024, L"%ls\\%ls\r\n", domain, name);
    put(line);
    return 0;
}
