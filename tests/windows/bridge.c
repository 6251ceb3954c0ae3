/*
 * ssh.exe, ssh-keygen.exe, curl.exe: hand their words, streams and console to bridge.py, which runs the program of the
 * same name on Linux. Where it listens, and its key, are in C:\bridge: `PORT KEY`. Between them go frames: one byte
 * says what, four the length, then the data.
 *
 *   h  the key, the program, `stdin` or `console` or `none` (what of a console there is), its columns, its rows, the
 *      folder, which OpenSSH to play, the words; each ended by a NUL
 *   i  stdin; empty: its end        o  stdout        r  stderr        t  the console, both ways        x  the status
 */
#include <stdio.h>
#include <winsock2.h>
#include <windows.h>

static SOCKET bridge;
static CRITICAL_SECTION sending;
static HANDLE console_in = INVALID_HANDLE_VALUE, console_out = INVALID_HANDLE_VALUE;
static DWORD console_mode;

static void fail(const char *what)
{
    fprintf(stderr, "bridge: %s\n", what);
    ExitProcess(255);
}

static void send_all(const char *data, int length)
{
    while (length > 0) {
        int done = send(bridge, data, length, 0);
        if (done <= 0)
            return; /* the reader of its answers notices, too */
        data += done;
        length -= done;
    }
}

static void send_frame(char kind, const char *data, DWORD length)
{
    char head[5] = {kind, (char)(length >> 24), (char)(length >> 16), (char)(length >> 8), (char)length};
    EnterCriticalSection(&sending);
    send_all(head, sizeof head);
    send_all(data, (int)length);
    LeaveCriticalSection(&sending);
}

static BOOL receive(char *data, DWORD length)
{
    while (length) {
        int done = recv(bridge, data, (int)length, 0);
        if (done <= 0)
            return FALSE;
        data += done;
        length -= (DWORD)done;
    }
    return TRUE;
}

/* Keys as a terminal sends them: nothing is edited, echoed or interpreted here. */
static void make_console_raw(void)
{
    GetConsoleMode(console_in, &console_mode);
    SetConsoleMode(console_in, ENABLE_VIRTUAL_TERMINAL_INPUT);
}

static DWORD WINAPI pass_console(void *unused)
{
    wchar_t keys[256];
    char bytes[1024];
    DWORD count;
    (void)unused;
    while (ReadConsoleW(console_in, keys, 256, &count, NULL) && count) {
        int length = WideCharToMultiByte(CP_UTF8, 0, keys, (int)count, bytes, sizeof bytes, NULL, NULL);
        send_frame('t', bytes, (DWORD)length);
    }
    return 0;
}

static DWORD WINAPI pass_stdin(void *unused)
{
    char bytes[65536];
    DWORD count;
    (void)unused;
    while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), bytes, sizeof bytes, &count, NULL) && count)
        send_frame('i', bytes, count);
    send_frame('i', "", 0);
    return 0;
}

static void start(LPTHREAD_START_ROUTINE work)
{
    CloseHandle(CreateThread(NULL, 0, work, NULL, 0, NULL));
}

static void write_out(HANDLE to, const char *data, DWORD length)
{
    DWORD done;
    while (length && WriteFile(to, data, length, &done, NULL)) {
        data += done;
        length -= done;
    }
}

static char *add(char *at, const char *end, const wchar_t *text)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, text, -1, at, (int)(end - at), NULL, NULL);
    if (!length)
        fail("too many words");
    return at + length;
}

static void connect_to_bridge(wchar_t *key)
{
    char line[128] = "", word[64];
    unsigned port = 0;
    DWORD length;
    WSADATA data;
    struct sockaddr_in address = {.sin_family = AF_INET};
    HANDLE file = CreateFileW(L"C:\\bridge", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE || !ReadFile(file, line, sizeof line - 1, &length, NULL) ||
        sscanf(line, "%u %63s", &port, word) != 2)
        fail("no bridge is there");
    CloseHandle(file);
    MultiByteToWideChar(CP_UTF8, 0, word, -1, key, 64);
    WSAStartup(MAKEWORD(2, 2), &data);
    bridge = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0); /* one that no child inherits */
    address.sin_port = htons((u_short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(bridge, (struct sockaddr *)&address, sizeof address))
        fail("nobody answers there");
    SetHandleInformation((HANDLE)bridge, HANDLE_FLAG_INHERIT, 0);
}

int wmain(int argc, wchar_t **argv)
{
    static char data[1 << 20];
    wchar_t key[64], text[32768], *name, *dot;
    char *at = data;
    const char *end = data + sizeof data;
    CONSOLE_SCREEN_BUFFER_INFO screen = {.dwSize = {80, 24}};
    DWORD mode;
    BOOL is_console = GetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), &mode), reads_console = FALSE;

    InitializeCriticalSection(&sending);
    connect_to_bridge(key);
    console_in = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                             OPEN_EXISTING, 0, NULL);
    console_out = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_EXISTING, 0, NULL);
    BOOL has_console = console_in != INVALID_HANDLE_VALUE && console_out != INVALID_HANDLE_VALUE;
    if (has_console) {
        GetConsoleScreenBufferInfo(console_out, &screen);
        SetConsoleOutputCP(CP_UTF8);
    }

    GetModuleFileNameW(NULL, text, 32768);
    name = wcsrchr(text, '\\') + 1;
    if ((dot = wcsrchr(name, '.')))
        *dot = 0;
    at = add(at, end, key);
    at = add(at, end, name);
    at = add(at, end, is_console ? L"stdin" : has_console ? L"console" : L"none");
    _snwprintf(text, 64, L"%d", screen.dwSize.X);
    at = add(at, end, text);
    _snwprintf(text, 64, L"%d", screen.srWindow.Bottom - screen.srWindow.Top + 1);
    at = add(at, end, text);
    GetCurrentDirectoryW(32768, text);
    at = add(at, end, text);
    if (!GetEnvironmentVariableW(L"NBSSH_BED_OPENSSH", text, 32768))
        *text = 0;
    at = add(at, end, text);
    for (int i = 1; i < argc; i++)
        at = add(at, end, argv[i]);
    send_frame('h', data, (DWORD)(at - data));

    if (is_console) {
        make_console_raw();
        reads_console = TRUE;
        start(pass_console);
    } else
        start(pass_stdin);
    for (;;) {
        unsigned char head[5];
        DWORD length;
        if (!receive((char *)head, sizeof head))
            fail("it went away");
        length = (DWORD)head[1] << 24 | (DWORD)head[2] << 16 | (DWORD)head[3] << 8 | head[4];
        if (length > sizeof data || !receive(data, length))
            fail("it went away");
        if (head[0] == 'o')
            write_out(GetStdHandle(STD_OUTPUT_HANDLE), data, length);
        else if (head[0] == 'r')
            write_out(GetStdHandle(STD_ERROR_HANDLE), data, length);
        else if (head[0] == 't') {
            write_out(console_out, data, length);
            if (!reads_console) { /* it asks for something */
                make_console_raw();
                reads_console = TRUE;
                start(pass_console);
            }
        } else if (head[0] == 'x')
            break;
    }
    if (reads_console)
        SetConsoleMode(console_in, console_mode);
    ExitProcess((UINT)(unsigned char)data[0]);
}
