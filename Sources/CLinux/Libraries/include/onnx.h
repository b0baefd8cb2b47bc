/*
 * ONNX Runtime through its C interface (onnxruntime_c_api.h): a table of functions whose order never changes.
 *
 * A function that can fail returns 0 or -errno, and writes the library's own words to `text`, always NUL-terminated.
 */
#ifndef CLIBRARIES_ONNX_H
#define CLIBRARIES_ONNX_H

#include <stddef.h>
#include <stdint.h>

#define LX_ONNX_RANK 16
#define LX_ONNX_NAME 256

/* A library that was started. */
struct lx_onnx {
    void *const *table;
    void *environment;
    void *memory;
    void *allocator;
};

/* What a model takes or gives. A dimension that is free is -1. */
struct lx_onnx_port {
    char name[LX_ONNX_NAME];
    int32_t type; /* 0 when it is no tensor */
    int32_t rank;
    int64_t dimensions[LX_ONNX_RANK];
};

struct lx_onnx_tensor {
    int32_t type;
    int32_t rank;
    int64_t dimensions[LX_ONNX_RANK];
    void *data;
    size_t size; /* bytes */
};

/* How a model is run. */
struct lx_onnx_options {
    int32_t threads;     /* within one operation */
    int32_t cuda_device; /* -1 for the processor */
};

/* `base` is the library's function OrtGetApiBase. */
int lx_onnx_start(void *base, struct lx_onnx *onnx, char *text, size_t size);
void lx_onnx_stop(struct lx_onnx *onnx);
const char *lx_onnx_version(void *base);
/* The names of what models can run on, separated by spaces. */
int lx_onnx_providers(const struct lx_onnx *onnx, char *text, size_t size);

int lx_onnx_load(const struct lx_onnx *onnx, const void *model, size_t model_size, const struct lx_onnx_options *options, void **session, char *text, size_t size);
void lx_onnx_unload(const struct lx_onnx *onnx, void *session);
/* How many inputs (output 0) or outputs (output 1) a model has. */
int lx_onnx_count(const struct lx_onnx *onnx, void *session, int output, size_t *count, char *text, size_t size);
int lx_onnx_port(const struct lx_onnx *onnx, void *session, int output, size_t index, struct lx_onnx_port *port, char *text, size_t size);

/* Makes `count` values for the outputs named, to be read with lx_onnx_read and let go with lx_onnx_release. */
int lx_onnx_run(const struct lx_onnx *onnx, void *session, const char *const *input_names, const struct lx_onnx_tensor *inputs, size_t input_count, const char *const *output_names, void **outputs, size_t output_count, char *text, size_t size);
/* Type, shape and place of a value's content, which stays the library's; the size is the caller's to work out. */
int lx_onnx_read(const struct lx_onnx *onnx, void *value, struct lx_onnx_tensor *tensor, char *text, size_t size);
void lx_onnx_release(const struct lx_onnx *onnx, void *value);

#endif
