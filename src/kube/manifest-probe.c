/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest-probe.h"

#include "kube/manifest-address.h"

#define PORTS_MAX 1024

void probe_done(ManifestProbe *probe)
{
        free(probe->host);
        free(probe->path);
}

/* 0 if no port of the container has this name. */
static int find_port(const YamlTree *tree, const YamlNode *container, const char *name,
        unsigned *ret, Error *reterr)
{
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = yaml_get_list(tree, container, "ports", PORTS_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        *ret = 0;
        for (node = n > 0 ? yaml_first(tree, list) : NULL; node && *ret == 0;
                node = yaml_next(tree, list, node)) {
                const char *text = "";

                r = yaml_get_text_or_empty(tree, node, "name", &text, reterr);
                if (r >= 0 && streq(text, name))
                        r = yaml_get_number(tree, node, "containerPort", 0, ret, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Names come first; what is no name of a port may be a number in quotes. 0 if it is neither. */
static int read_port(const YamlTree *tree, const YamlNode *container, const YamlNode *action,
        uint16_t *ret, Error *reterr)
{
        const char *text = "";
        unsigned number = 0;
        int r;

        r = yaml_get_text_or_empty(tree, action, "port", &text, reterr);
        if (r >= 0 && *text)
                r = find_port(tree, container, text, &number, reterr);
        if (r < 0)
                return r;
        *ret = number > 0 && number <= UINT16_MAX ? (uint16_t)number : address_port(text);
        return 0;
}

static int read_address(const YamlTree *tree, const YamlNode *container, const YamlNode *action,
        bool host_network, ManifestProbe *probe, Error *reterr)
{
        const char *host = "";
        int r;

        r = read_port(tree, container, action, &probe->port, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, action, "host", &host, reterr);
        if (r < 0)
                return r;
        probe->host = address_host(host, strlen(host));
        if (probe->port == 0 || !probe->host || (!*host && !host_network))
                probe->kind = PROBE_OTHER;
        return 0;
}

/* What can be put into the request line as it is. */
static bool is_plain_path(const char *path)
{
        for (; *path; path++)
                if (*path <= ' ' || *path > '~')
                        return false;
        return true;
}

static int read_http(
        const YamlTree *tree, const YamlNode *action, ManifestProbe *probe, Error *reterr)
{
        const YamlNode *headers = NULL;
        const char *path = "", *scheme = "";
        int r;

        r = yaml_get_text_or_empty(tree, action, "path", &path, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, action, "scheme", &scheme, reterr);
        if (r >= 0)
                r = yaml_get(tree, action, "httpHeaders", &headers, NULL, reterr);
        if (r < 0)
                return r;
        probe->path = xasprintf("%s%s", *path == '/' ? "" : "/", path);
        if (headers || !is_plain_path(path))
                probe->kind = PROBE_OTHER;
        else if (streq(scheme, "HTTPS"))
                probe->kind = PROBE_HTTPS;
        else
                probe->kind = PROBE_HTTP;
        return 0;
}

static int read_action(const YamlTree *tree, const YamlNode *container, const YamlNode *node,
        bool host_network, ManifestProbe *probe, Error *reterr)
{
        const YamlNode *http = NULL, *tcp = NULL;
        int r;

        r = yaml_get_kind(tree, node, "httpGet", YAML_KIND_MAPPING, &http, NULL, reterr);
        if (r >= 0)
                r = yaml_get_kind(tree, node, "tcpSocket", YAML_KIND_MAPPING, &tcp, NULL, reterr);
        if (r < 0)
                return r;
        probe->kind = tcp ? PROBE_TCP : PROBE_OTHER;
        if (http)
                r = read_http(tree, http, probe, reterr);
        if (r >= 0 && (http || tcp))
                r = read_address(tree, container, http ? http : tcp, host_network, probe, reterr);
        return r;
}

/* Zero means the default too, for all but the delay. */
static int read_times(
        const YamlTree *tree, const YamlNode *node, ManifestProbe *probe, Error *reterr)
{
        const struct {
                const char *key;
                unsigned *value, fallback;
        } times[] = {
                {"initialDelaySeconds", &probe->initial_delay, 0},
                {"periodSeconds", &probe->period, 10},
                {"timeoutSeconds", &probe->timeout, 1},
                {"failureThreshold", &probe->failure_threshold, 3},
        };

        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                int r = yaml_get_number(tree, node, times[i].key, 0, times[i].value, reterr);

                if (r < 0)
                        return r;
                if (*times[i].value == 0)
                        *times[i].value = times[i].fallback;
        }
        return 0;
}

int probe_read(const YamlTree *tree, const YamlNode *container, const char *key, bool host_network,
        ManifestProbe *ret, Error *reterr)
{
        const YamlNode *node = NULL;
        ManifestProbe probe = {};
        int r;

        r = yaml_get_kind(tree, container, key, YAML_KIND_MAPPING, &node, NULL, reterr);
        if (r < 0 || !node)
                return r;
        r = read_action(tree, container, node, host_network, &probe, reterr);
        if (r >= 0)
                r = read_times(tree, node, &probe, reterr);
        if (r < 0) {
                probe_done(&probe);
                return r;
        }
        *ret = probe;
        return 0;
}
