/* Inside this target: texts into buffers of their callers. */
#ifndef CLIBRARIES_TEXTS_H
#define CLIBRARIES_TEXTS_H

#include <string.h>

/* As much of source as there is room for; NULL is the empty text. */
static inline void lx_set_text(char *text, size_t size, const char *source) {
    if (size == 0) return;
    size_t length = source ? strnlen(source, size - 1) : 0;
    if (length > 0) memcpy(text, source, length);
    text[length] = 0;
}

#endif
