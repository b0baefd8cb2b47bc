/*
 * Libraries that are opened when they are first needed: none is linked, so none has to be there.
 *
 * A function that can fail returns 0 or -errno, and writes the library's own words to `text`, always NUL-terminated.
 */
#ifndef CLIBRARIES_LOADING_H
#define CLIBRARIES_LOADING_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* dlopen(3) with all symbols bound at once and none visible to others; NULL and the reason when it fails. */
void *lx_library_open(const char *path, char *text, size_t size);
/* dlsym(3); NULL when there is none. */
void *lx_library_symbol(void *library, const char *name);
void lx_library_close(void *library);
/* The path from which a symbol's library was loaded; empty when it cannot be told. See dladdr(3). */
void lx_library_path(const void *symbol, char *text, size_t size);

#endif
