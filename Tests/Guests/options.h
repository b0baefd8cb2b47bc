// The command line as words and options, in the way of MirageOS: blanks separate words, double quotes keep them
// together, a backslash makes the next character an ordinary one.

#pragma once

#include <stddef.h>

/// The status with which Cmdliner ends a program that it cannot read the command line of.
enum { STATUS_USAGE = 64 };

extern const char **words;
extern size_t word_count;

/// Splits the command line; ends the guest with STATUS_USAGE when a quote does not end.
void read_words(void);
/// Calls `apply` with the name and value of each word `--NAME=VALUE` or pair of words `--NAME VALUE`; ends the guest
/// with STATUS_USAGE when it returns 0 (unknown) or less (not valid). Other words are left alone.
void read_options(int (*apply)(const char *name, const char *value));
