/*
 * Runs a model without an agent: what vaccel_models.py compares with. usage: onnx_bare LIBRARY MODEL
 *
 * Its input is one image of 3 x 224 x 224 floats of 0.5. For each line on standard input it runs once and prints how long
 * that took, in nanoseconds. Built with the sources of Sources/CLinux/Libraries.
 */
#include "loading.h"
#include "onnx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char text[1024];

static void must(int result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "%s: %d %s\n", what, result, text);
    exit(1);
}

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int count, char **words) {
    static float image[3 * 224 * 224];
    static char model[1 << 24];
    if (count != 3) return 2;
    void *library = lx_library_open(words[1], text, sizeof text);
    FILE *file = fopen(words[2], "rb");
    if (!library || !file) must(-1, "open");
    size_t size = fread(model, 1, sizeof model, file);
    for (size_t i = 0; i < sizeof image / sizeof *image; i++) image[i] = 0.5f;

    struct lx_onnx onnx;
    struct lx_onnx_options options = {.threads = 1, .cuda_device = -1};
    struct lx_onnx_port input, output;
    struct lx_onnx_tensor tensor = {
        .type = 1, .rank = 4, .dimensions = {1, 3, 224, 224}, .data = image, .size = sizeof image};
    void *session;
    must(lx_onnx_start(lx_library_symbol(library, "OrtGetApiBase"), &onnx, text, sizeof text), "start");
    must(lx_onnx_load(&onnx, model, size, &options, &session, text, sizeof text), "load");
    must(lx_onnx_port(&onnx, session, 0, 0, &input, text, sizeof text), "input");
    must(lx_onnx_port(&onnx, session, 1, 0, &output, text, sizeof text), "output");
    while (getchar() == '\n') {
        const char *from = input.name, *to = output.name;
        void *value;
        long begin = now();
        must(lx_onnx_run(&onnx, session, &from, &tensor, 1, &to, &value, 1, text, sizeof text), "run");
        printf("%ld\n", now() - begin);
        fflush(stdout);
        lx_onnx_release(&onnx, value);
    }
    return 0;
}
