/*
 * vAccel's own library, release 0.7 or later, with the plug-ins that its environment names (VACCEL_PLUGINS).
 *
 * A function that can fail returns 0 or -errno: vAccel's own numbers are those of errno.
 */
#ifndef CLIBRARIES_UPSTREAM_H
#define CLIBRARIES_UPSTREAM_H

#include <stddef.h>
#include <stdint.h>

/* A library that was started, with one session. */
struct lx_upstream {
    void *library;
    void *session;
};

struct lx_upstream_tensor {
    const void *data;
    size_t size; /* bytes */
    const int64_t *dimensions;
    int64_t rank;
    int32_t type; /* Torch's numbers of vAccel: float 7 */
};

/* Before the library is opened: it neither starts by itself nor ends the process when it cannot; plugins are paths, separated by colons. */
void lx_upstream_prepare(const char *plugins);
/* Loads the plug-ins and begins a session. */
int lx_upstream_start(struct lx_upstream *upstream, void *library);
/* The directory that the library made for itself; NULL when it cannot be told. */
const char *lx_upstream_directory(const struct lx_upstream *upstream);

/* `task` is vAccel's number of the operation, 3 to 7; text is for classification alone. */
int lx_upstream_image(const struct lx_upstream *upstream, int task, const void *image, size_t size, char *text, size_t text_size, char *name, size_t name_size);
int lx_upstream_sgemm(const struct lx_upstream *upstream, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
int lx_upstream_minmax(const struct lx_upstream *upstream, const double *data, int count, int low, int high, double *output, double *least, double *most);
/* `operation` is vAccel's number: copy 18, product 19, parallel 20, sum 21; each array has `count` elements. */
int lx_upstream_arrays(const struct lx_upstream *upstream, int operation, const void *a, const void *b, void *first, void *second, size_t count);

/* Makes a resource of a model's bytes and loads it as Torch's. */
int lx_upstream_load(const struct lx_upstream *upstream, const void *model, size_t size, const char *name, void **resource);
int lx_upstream_unload(const struct lx_upstream *upstream, void *resource);
/* Fills `outputs` with `output_count` tensors of the library's, to be let go with lx_upstream_release. */
int lx_upstream_run(const struct lx_upstream *upstream, void *resource, const struct lx_upstream_tensor *inputs, size_t input_count, void **outputs, size_t output_count);
int lx_upstream_read(void *output, struct lx_upstream_tensor *tensor);
void lx_upstream_release(const struct lx_upstream *upstream, void *output);

#endif
