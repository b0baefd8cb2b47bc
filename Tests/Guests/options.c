#include "options.h"

#include "net.h"

enum { LONGEST_COMMAND_LINE = 8192, LONGEST_NAME = 64 };

const char **words;
size_t word_count;

static char text[LONGEST_COMMAND_LINE];
static const char *starts[LONGEST_COMMAND_LINE / 2];

static _Noreturn void refuse(const char *what, const char *which) {
    put("http: ");
    put(what);
    put(" '");
    put(which);
    put("'.\n");
    guest_exit(STATUS_USAGE);
}

static int is_blank(char character) { return character == ' ' || (character >= '\t' && character <= '\r'); }

/// Copies one word without its quotes; returns what follows it.
static const char *copy_word(const char *from, char **to) {
    int quoted = 0;
    for (; *from && (quoted || !is_blank(*from)); from++) {
        if (*from == '"') {
            quoted = !quoted;
            continue;
        }
        if (*from == '\\' && *++from == 0)
            refuse("nothing follows the last backslash of", command_line());
        *(*to)++ = *from;
    }
    if (quoted)
        refuse("a quote does not end in", command_line());
    *(*to)++ = 0;
    return from;
}

void read_words(void) {
    const char *from = command_line();
    if (length(from) >= LONGEST_COMMAND_LINE)
        refuse("too long:", from);
    words = starts;
    for (char *to = text;;) {
        while (is_blank(*from))
            from++;
        if (*from == 0)
            return;
        starts[word_count++] = to;
        from = copy_word(from, &to);
    }
}

static int is_option(const char *word) { return word[0] == '-' && word[1] == '-' && word[2] != 0; }

void read_options(int (*apply)(const char *name, const char *value)) {
    for (size_t index = 0; index < word_count; index++) {
        const char *word = words[index];
        char name[LONGEST_NAME];
        size_t size = 0;
        if (!is_option(word))
            continue;
        for (const char *from = word + 2; *from && *from != '=' && size < sizeof name - 1; from++)
            name[size++] = *from;
        name[size] = 0;
        const char *value = word + 2 + size;
        if (*value == '=')
            value++;
        else if (*value == 0 && index + 1 < word_count)
            value = words[++index];
        int result = apply(name, value);
        if (result == 0)
            refuse("unknown option", word);
        if (result < 0)
            refuse("invalid value in", word);
    }
}
