#include "loading.h"
#include "texts.h"
#include <dlfcn.h>

void *lx_library_open(const char *path, char *text, size_t size) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) lx_set_text(text, size, dlerror());
    return library;
}

void *lx_library_symbol(void *library, const char *name) { return dlsym(library, name); }

void lx_library_close(void *library) { dlclose(library); }

void lx_library_path(const void *symbol, char *text, size_t size) {
    Dl_info info;
    lx_set_text(text, size, dladdr(symbol, &info) ? info.dli_fname : NULL);
}
