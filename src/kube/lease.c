/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/lease.h"

#include "base/time-util.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/%s/leases"

void lease_free(Lease *lease)
{
        if (!lease)
                return;
        free(lease->holder);
        json_decref(lease->json);
        free(lease);
}

/* Takes the JSON. */
static int read_lease(json_t *json, Lease **ret, Error *reterr)
{
        const json_t *spec = json_object_get(json, "spec");
        autoptr(Lease) lease = xcalloc(1, sizeof(*lease));
        const char *holder = api_text(spec, "holderIdentity", NULL);
        json_int_t duration = json_integer_value(json_object_get(spec, "leaseDurationSeconds"));

        lease->json = json;
        if (!api_text(json, "metadata", "resourceVersion", NULL))
                return error_set(reterr, -EBADMSG, "the answer is no Lease");
        lease->holder = xstrdup(holder ? holder : "");
        lease->duration = duration < 0 ? 0 : duration > INT32_MAX ? INT32_MAX : duration;
        *ret = TAKE(lease);
        return 0;
}

int lease_get(const ApiServer *server, const LeaseName *name, Lease **ret, Error *reterr)
{
        autofree char *path = xasprintf(LEASES "/%s", name->namespace_, name->name);
        json_t *json;
        int r;

        r = api_get(server, path, &json, reterr);
        return r < 0 ? r : read_lease(json, ret, reterr);
}

/* MicroTime of k8s.io/apimachinery takes no time without its six digits. */
static json_t *micro_time(int64_t t)
{
        char text[TIME_TEXT_SIZE];
        autofree char *micro = NULL;

        time_format(t, text);
        micro = xasprintf("%.*s.000000Z", (int)strlen(text) - 1, text);
        return xcheck(json_string(micro));
}

/* As client-go's leader election has it: who holds it already keeps the time at which he got it,
 * and a change of hands is counted; who gives it back counts as nobody's successor. */
static json_t *spec_of(const Lease *before, const LeaseClaim *claim)
{
        const json_t *old = before ? json_object_get(before->json, "spec") : NULL;
        json_t *acquired = json_object_get(old, "acquireTime");
        json_int_t transitions = json_integer_value(json_object_get(old, "leaseTransitions"));
        bool stays = before && (!claim->holder || streq(before->holder, claim->holder));
        json_t *spec = xcheck(json_pack("{s:o, s:I}", "renewTime", micro_time(claim->now),
                "leaseTransitions", !before || stays ? transitions : transitions + 1));

        if (claim->duration > 0)
                json_object_set_new(
                        spec, "leaseDurationSeconds", xcheck(json_integer(claim->duration)));
        if (claim->holder)
                json_object_set_new(spec, "holderIdentity", json_escaped(claim->holder));
        if (stays && acquired)
                json_object_set(spec, "acquireTime", acquired);
        else
                json_object_set_new(spec, "acquireTime", micro_time(claim->now));
        return spec;
}

int lease_write(const ApiServer *server, const LeaseName *name, const Lease *before,
        const LeaseClaim *claim, Lease **ret, Error *reterr)
{
        autofree char *list = xasprintf(LEASES, name->namespace_);
        autofree char *path = xasprintf("%s/%s", list, name->name);
        autoptr(json_t) object =
                before ? xcheck(json_deep_copy(before->json))
                       : xcheck(json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion",
                                 "coordination.k8s.io/v1", "kind", "Lease", "metadata", "name",
                                 name->name, "namespace", name->namespace_));
        json_t *written;
        int r;

        json_object_set_new(object, "spec", spec_of(before, claim));
        r = before ? api_write(server, "PUT", path, object, &written, reterr)
                   : api_write(server, "POST", list, object, &written, reterr);
        return r < 0 ? r : read_lease(written, ret, reterr);
}

void lease_seen_done(LeaseSeen *seen)
{
        free(seen->holder);
        free(seen->version);
        *seen = (LeaseSeen){};
}

void lease_see(LeaseSeen *seen, const Lease *lease, int64_t now)
{
        const char *version = api_text(lease->json, "metadata", "resourceVersion", NULL);

        if (seen->version && streq(seen->version, version))
                return;
        lease_seen_done(seen);
        *seen = (LeaseSeen){.holder = xstrdup(lease->holder),
                .version = xstrdup(version),
                .duration = lease->duration,
                .since = now};
}

int64_t lease_wait(const LeaseSeen *seen, int64_t now)
{
        int64_t passed = now - seen->since, all = seen->duration * 1000;

        if (seen->duration <= 0)
                return INT64_MAX;
        return passed < 0 ? all : passed < all ? all - passed : 0;
}

static bool is_of_node(const char *holder, const char *node)
{
        return starts_with(holder, node) && holder[strlen(node)] == '/';
}

LeaseVerdict lease_judge(const LeaseSeen *seen, const char *node, int64_t now)
{
        if (!seen->holder || !*seen->holder)
                return LEASE_FREE;
        if (is_of_node(seen->holder, node))
                return LEASE_OURS;
        return lease_wait(seen, now) == 0 ? LEASE_DEAD : LEASE_HELD;
}
