/* icacls.exe: `icacls PATH` lists who may do what, and with `/save FILE` writes that into a file; /reset, /inheritance:r, /grant:r [*SID:RIGHTS…], /q change it. */
#include <stdio.h>
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#define RULES 32

static int fail(DWORD error)
{
    wchar_t text[256] = L"";
    FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, text, 256, NULL);
    fprintf(stderr, "%ls", *text ? text : L"Access is denied.\n");
    return (int)error;
}

static int list(const wchar_t *path)
{
    ACL *acl;
    SECURITY_DESCRIPTOR *descriptor;
    DWORD error = GetNamedSecurityInfoW((wchar_t *)path, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &acl,
                                        NULL, (void **)&descriptor);
    if (error)
        return fail(error);
    printf("%ls ", path);
    for (DWORD i = 0; acl && i < acl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace;
        wchar_t name[256], domain[256], *sid;
        DWORD name_size = 256, domain_size = 256;
        SID_NAME_USE use;
        if (!GetAce(acl, i, (void **)&ace))
            continue;
        if (LookupAccountSidW(NULL, &ace->SidStart, name, &name_size, domain, &domain_size, &use))
            printf("%s%ls\\%ls:", i ? "\n  " : "", domain, name);
        else if (ConvertSidToStringSidW(&ace->SidStart, &sid))
            printf("%s%ls:", i ? "\n  " : "", sid);
        printf("%s%s%s", ace->Header.AceFlags & INHERITED_ACE ? "(I)" : "",
               ace->Header.AceFlags & OBJECT_INHERIT_ACE ? "(OI)" : "",
               ace->Header.AceFlags & CONTAINER_INHERIT_ACE ? "(CI)" : "");
        printf("(%s)\n", ace->Mask == FILE_ALL_ACCESS                                ? "F"
                         : (ace->Mask & FILE_GENERIC_WRITE) == FILE_GENERIC_WRITE ? "M"
                                                                                     : "RX");
    }
    printf("\nSuccessfully processed 1 files; Failed processing 0 files\n");
    return 0;
}

static int save(const wchar_t *path, const wchar_t *to)
{
    SECURITY_DESCRIPTOR *descriptor;
    wchar_t *rules, text[4096];
    DWORD done;
    HANDLE file;
    DWORD error = GetNamedSecurityInfoW((wchar_t *)path, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL,
                                        NULL, (void **)&descriptor);
    if (error)
        return fail(error);
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1, DACL_SECURITY_INFORMATION,
                                                              &rules, NULL))
        return fail(GetLastError());
    _snwprintf(text, 4096, L"%ls\r\n%ls\r\n", path, rules);
    file = CreateFileW(to, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE || !WriteFile(file, text, (DWORD)(wcslen(text) * sizeof *text), &done, NULL))
        return fail(GetLastError());
    CloseHandle(file);
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    EXPLICIT_ACCESSW rules[RULES] = {0};
    int count = 0, protect = 0, reset = 0;
    SECURITY_DESCRIPTOR descriptor;
    ACL *acl = NULL;
    DWORD error;

    if (argc < 2)
        return 87;
    if (argc == 2)
        return list(argv[1]);
    if (argc > 3 && !_wcsicmp(argv[2], L"/save"))
        return save(argv[1], argv[3]);
    for (int i = 2; i < argc; i++) {
        wchar_t *colon;
        if (!_wcsicmp(argv[i], L"/inheritance:r"))
            protect = 1;
        else if (!_wcsicmp(argv[i], L"/reset"))
            reset = 1;
        else if (argv[i][0] == '*' && count < RULES && (colon = wcsrchr(argv[i], ':'))) {
            EXPLICIT_ACCESSW *rule = &rules[count++];
            *colon = 0;
            if (!ConvertStringSidToSidW(argv[i] + 1, (PSID *)&rule->Trustee.ptstrName)) {
                fprintf(stderr, "%ls: No mapping between account names and security IDs was done.\n", argv[i]);
                return 1332;
            }
            rule->grfAccessPermissions = FILE_ALL_ACCESS;
            rule->grfAccessMode = SET_ACCESS;
            rule->grfInheritance = wcsstr(colon + 1, L"(OI)(CI)") ? SUB_CONTAINERS_AND_OBJECTS_INHERIT : NO_INHERITANCE;
            rule->Trustee.TrusteeForm = TRUSTEE_IS_SID;
        } else if (_wcsicmp(argv[i], L"/grant:r") && _wcsicmp(argv[i], L"/q")) {
            fprintf(stderr, "Invalid parameter \"%ls\"\n", argv[i]);
            return 87;
        }
    }
    if (reset)
        count = 0;
    /* SetNamedSecurityInfoW of wine 8 lets a file inherit in spite of PROTECTED */
    error = SetEntriesInAclW((ULONG)count, rules, NULL, &acl);
    if (!error && (!InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION) ||
                   !SetSecurityDescriptorDacl(&descriptor, TRUE, acl, FALSE) ||
                   !SetSecurityDescriptorControl(&descriptor, SE_DACL_PROTECTED, protect ? SE_DACL_PROTECTED : 0) ||
                   !SetFileSecurityW(argv[1], DACL_SECURITY_INFORMATION, &descriptor)))
        error = GetLastError();
    if (error)
        return fail(error);
    printf("processed file: %ls\nSuccessfully processed 1 files; Failed processing 0 files\n", argv[1]);
    return 0;
}
