/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jsonpath.c - see jsonpath.h.
 */
#include "bridge/experiment/jsonpath.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 256

/* Read `name` or `"any \" name"` at *@at into @key. */
static bool read_key(const char **at, char key[KEY_SIZE])
{
	const char *p = *at;
	size_t len = 0;
	bool quoted = *p == '"';

	if (quoted)
		p++;
	while (*p && (quoted ? *p != '"' : isalnum((unsigned char)*p) || *p == '_' || *p == '-')) {
		if (quoted && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		if (len + 1 >= KEY_SIZE)
			return false;
		key[len++] = *p++;
	}
	key[len] = '\0';
	if (quoted && *p++ != '"')
		return false;
	*at = p;
	return quoted || len > 0;
}

static bool read_index(const char **at, long *ret)
{
	char *end;

	if (!isdigit((unsigned char)(*at)[0]) && (*at)[0] != '-')
		return false;
	errno = 0;
	*ret = strtol(*at, &end, 10);
	if (errno || end == *at || *end != ']')
		return false;
	*at = end + 1;
	return true;
}

int jsonpath_find(json_t *root, const char *path, json_t **ret, struct diag *diag)
{
	const char *p = path;
	json_t *value = root;
	char key[KEY_SIZE];
	long index;

	if (strcmp(path, ".") == 0) {
		*ret = root;
		return 0;
	}
	if (*p != '.' && *p != '[')
		return diag_set(diag, -EINVAL, "path '%s' does not begin with a dot", path);
	while (*p) {
		int led = (int)(p - path);

		if (*p == '.' && p[1] == '[') {
			p++;
		} else if (*p == '.') {
			p++;
			if (!read_key(&p, key))
				return diag_set(diag, -EINVAL, "path '%s': a name must follow the dot at character %d",
						path, led + 1);
			if (!json_is_object(value))
				return diag_set(diag, -ENOENT, "'%.*s' is not an object", led ? led : 1, path);
			value = json_object_get(value, key);
			if (!value)
				return diag_set(diag, -ENOENT, "there is no '%s' in '%.*s'", key, led ? led : 1, path);
			continue;
		}
		if (*p++ != '[' || !read_index(&p, &index))
			return diag_set(diag, -EINVAL, "path '%s': expected '.name' or '[number]' at character %d",
					path, led + 1);
		if (!json_is_array(value))
			return diag_set(diag, -ENOENT, "'%.*s' is not a list", led ? led : 1, path);
		if (index < 0)
			index += (long)json_array_size(value);
		value = index < 0 ? NULL : json_array_get(value, (size_t)index);
		if (!value)
			return diag_set(diag, -ENOENT, "'%.*s' has no such entry", led ? led : 1, path);
	}
	*ret = value;
	return 0;
}
