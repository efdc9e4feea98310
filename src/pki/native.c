/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/native.h"

#include <gnutls/pkcs11.h>
#include <pthread.h>
#include <time.h>

static _Thread_local int64_t verify_time;

static time_t verify_clock(time_t *ret)
{
        time_t now = verify_time != 0 ? (time_t)verify_time : time(NULL);

        if (ret)
                *ret = now;
        return now;
}

static void init_once(void)
{
        gnutls_pkcs11_init(GNUTLS_PKCS11_FLAG_MANUAL, NULL);
        gnutls_global_set_time_function(verify_clock);
}

void pki_init(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, init_once);
}

int pki_error(Error *reterr, int r, int g, const char *what)
{
        if (g == GNUTLS_E_MEMORY_ERROR)
                xcheck(NULL);
        return error_set(reterr, r, "%s: %s", what, gnutls_strerror(g));
}

void pki_set_verify_time(int64_t at)
{
        verify_time = at;
}
