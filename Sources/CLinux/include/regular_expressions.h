/* Regular expressions of the C library, compiled where they are used: ids are few. */
#ifndef CLINUX_REGULAR_EXPRESSIONS_H
#define CLINUX_REGULAR_EXPRESSIONS_H

#include <regex.h>
#include <stddef.h>

/* The length of the reason why pattern is no expression, which is written to reason; 0 when it is one. */
static inline size_t lx_regex_check(const char *pattern, unsigned char *reason, size_t size) {
    regex_t compiled;
    int result = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
    if (result == 0) {
        regfree(&compiled);
        return 0;
    }
    size_t length = regerror(result, &compiled, (char *)reason, size);
    return (length < size ? length : size) - 1;
}
static inline int lx_regex_matches(const char *pattern, const char *text) {
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) return 0;
    int result = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return result == 0;
}

#endif
