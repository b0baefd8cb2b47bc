// Has files of the host's by the Plan 9 file protocol. virt only. Its words are commands, each of which prints a line:
//
//   read PATH        the file's first bytes, `nothing` when it cannot be read
//   write PATH WORD  `written`, or `refused`

#include "virt.h"

DEVICES(FILES_DEVICE("files"));

enum { MOST = 4000, WORD = 512 };

int guest_main(void) {
    static char command[WORD], path[WORD], text[MOST + 1];
    const char *line = command_line();
    if (!files_are_there())
        guest_abort("there are no files");
    while (*next_word(&line, command, sizeof command)) {
        if (!*next_word(&line, path, sizeof path))
            guest_abort("a path is missing");
        if (equal(command, "read")) {
            int size = files_read(path, text, MOST);
            text[size < 0 ? 0 : size] = 0;
            put(size < 0 ? "nothing\n" : text);
        } else {
            if (!*next_word(&line, text, sizeof text))
                guest_abort("a word is missing");
            put(files_write(path, text, length(text)) == 0 ? "written\n" : "refused\n");
        }
    }
    return 0;
}
