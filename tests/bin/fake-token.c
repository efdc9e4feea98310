/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A PKCS#11 module that is another one with a fault which that cannot show by itself. Built and
 * loaded by tests/cli/pkcs11.sh:
 *
 *     FAKE_TOKEN_MODULE  the other module
 *     FAKE_TOKEN_FAULT   locked: it answers a login with CKR_PIN_LOCKED; or a word of the table
 *                        below: it says so of its token, and takes logins; silent: it never says so
 *     FAKE_TOKEN_LOG     a line for each login, without its PIN
 */

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *fault;
        CK_FLAGS flags;
} faults[] = {
        {"locked-flag", CKF_USER_PIN_LOCKED},
        {"final-try", CKF_USER_PIN_FINAL_TRY},
        {"count-low", CKF_USER_PIN_COUNT_LOW},
        {"pad", CKF_PROTECTED_AUTHENTICATION_PATH},
};

static CK_FUNCTION_LIST *other, mine;

static const char *fault(void)
{
        const char *text = getenv("FAKE_TOKEN_FAULT");

        return text ? text : "";
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG size)
{
        CK_RV result = CKR_PIN_LOCKED;
        FILE *log = fopen(getenv("FAKE_TOKEN_LOG"), "ae");

        if (strcmp(fault(), "locked") != 0)
                result = other->C_Login(session, user, pin, size);
        if (log) {
                fprintf(log, "login 0x%lx\n", result);
                fclose(log);
        }
        return result;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
        CK_RV result = other->C_GetTokenInfo(slot, info);

        if (result != CKR_OK)
                return result;
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
                if (strcmp(fault(), "silent") == 0)
                        info->flags &= ~faults[i].flags;
                if (strcmp(fault(), faults[i].fault) == 0)
                        info->flags |= faults[i].flags;
        }
        return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
        const char *path = getenv("FAKE_TOKEN_MODULE");
        void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        void *symbol = module ? dlsym(module, "C_GetFunctionList") : NULL;
        CK_C_GetFunctionList get;

        if (!symbol)
                return CKR_GENERAL_ERROR;
        memcpy(&get, &symbol, sizeof(get));
        if (get(&other) != CKR_OK)
                return CKR_GENERAL_ERROR;
        mine = *other;
        mine.C_Login = login;
        mine.C_GetTokenInfo = token_info;
        *list = &mine;
        return CKR_OK;
}
