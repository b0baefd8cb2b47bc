#include "upstream.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Calls a function of the library by its name; -ENOSYS when there is none. Its errors are positive. */
#define CALL(upstream, name, types, ...) ({ \
    int (*call_) types = (int (*) types)dlsym((upstream)->library, name); \
    call_ ? -call_(__VA_ARGS__) : -ENOSYS; \
})

/* Facts of vaccel/resource.h and vaccel/ops/torch.h. */
enum { type_model = 2, most = 64 };
struct torch_tensor {
    void *data;
    size_t size;
    bool owned;
    int64_t rank;
    int64_t *dimensions;
    int32_t type;
};

void lx_upstream_prepare(const char *plugins) {
    setenv("VACCEL_PLUGINS", plugins, 1);
    setenv("VACCEL_BOOTSTRAP_ENABLED", "0", 1);
    setenv("VACCEL_CLEANUP_ENABLED", "0", 1);
}

int lx_upstream_start(struct lx_upstream *upstream, void *library) {
    upstream->library = library;
    upstream->session = NULL;
    int result = CALL(upstream, "vaccel_bootstrap", (void));
    if (result < 0) return result;
    return CALL(upstream, "vaccel_session_new", (void **, uint32_t), &upstream->session, 0);
}

const char *lx_upstream_directory(const struct lx_upstream *upstream) {
    const char *(*directory)(void) = (const char *(*)(void))dlsym(upstream->library, "vaccel_rundir");
    return directory ? directory() : NULL;
}

int lx_upstream_image(const struct lx_upstream *upstream, int task, const void *image, size_t size, char *text, size_t text_size, char *name, size_t name_size) {
    static const char *const names[] = {"vaccel_image_detection", "vaccel_image_segmentation", "vaccel_image_pose", "vaccel_image_depth"};
    if (task == 3) {
        return CALL(
            upstream, "vaccel_image_classification", (void *, const void *, char *, char *, size_t, size_t, size_t), upstream->session,
            image, text, name, size, text_size, name_size);
    }
    if (task < 4 || task > 7) return -ENOTSUP;
    return CALL(
        upstream, names[task - 4], (void *, const void *, char *, size_t, size_t), upstream->session, image, name, size, name_size);
}

int lx_upstream_sgemm(const struct lx_upstream *upstream, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    return CALL(
        upstream, "vaccel_sgemm",
        (void *, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float, float *, int64_t),
        upstream->session, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

int lx_upstream_minmax(const struct lx_upstream *upstream, const double *data, int count, int low, int high, double *output, double *least, double *most_) {
    return CALL(
        upstream, "vaccel_minmax", (void *, const double *, int, int, int, double *, double *, double *), upstream->session, data,
        count, low, high, output, least, most_);
}

int lx_upstream_arrays(const struct lx_upstream *upstream, int operation, const void *a, const void *b, void *first, void *second, size_t count) {
    void *session = upstream->session;
    switch (operation) {
    case 18: return CALL(upstream, "vaccel_fpga_arraycopy", (void *, const void *, void *, size_t), session, a, first, count);
    case 19: return CALL(upstream, "vaccel_fpga_mmult", (void *, const void *, const void *, void *, size_t), session, a, b, first, count);
    case 20: return CALL(upstream, "vaccel_fpga_parallel", (void *, const void *, const void *, void *, void *, size_t), session, a, b, first, second, count);
    case 21: return CALL(upstream, "vaccel_fpga_vadd", (void *, const void *, const void *, void *, size_t, size_t), session, a, b, first, count, count);
    default: return -ENOTSUP;
    }
}

int lx_upstream_load(const struct lx_upstream *upstream, const void *model, size_t size, const char *name, void **resource) {
    *resource = NULL;
    int result = CALL(
        upstream, "vaccel_resource_from_buf", (void **, const void *, size_t, int, const char *, bool), resource, model, size,
        type_model, name, true);
    if (result < 0) return result;
    result = CALL(upstream, "vaccel_resource_register", (void *, void *), *resource, upstream->session);
    if (result == 0) {
        result = CALL(upstream, "vaccel_torch_model_load", (void *, void *), upstream->session, *resource);
        if (result < 0) CALL(upstream, "vaccel_resource_unregister", (void *, void *), *resource, upstream->session);
    }
    if (result < 0) CALL(upstream, "vaccel_resource_delete", (void *), *resource);
    return result;
}

int lx_upstream_unload(const struct lx_upstream *upstream, void *resource) {
    int result = CALL(upstream, "vaccel_resource_unregister", (void *, void *), resource, upstream->session);
    return result < 0 ? result : CALL(upstream, "vaccel_resource_delete", (void *), resource);
}

int lx_upstream_run(const struct lx_upstream *upstream, void *resource, const struct lx_upstream_tensor *inputs, size_t input_count, void **outputs, size_t output_count) {
    void *made[most];
    size_t count = 0;
    int result = input_count > most || output_count > most ? -E2BIG : 0;
    for (size_t i = 0; i < output_count; i++) outputs[i] = NULL;
    while (result == 0 && count < input_count) {
        const struct lx_upstream_tensor *t = &inputs[count];
        result = CALL(upstream, "vaccel_torch_tensor_new", (void **, int64_t, const int64_t *, int), &made[count], t->rank, t->dimensions, t->type);
        if (result < 0) break;
        count++;
        result = CALL(upstream, "vaccel_torch_tensor_set_data", (void *, void *, size_t), made[count - 1], (void *)(uintptr_t)t->data, t->size);
    }
    if (result == 0) {
        result = CALL(
            upstream, "vaccel_torch_model_run", (void *, void *, const void *, void *const *, int, void **, int), upstream->session,
            resource, NULL, made, (int)count, outputs, (int)output_count);
    }
    while (count > 0) CALL(upstream, "vaccel_torch_tensor_delete", (void *), made[--count]);
    return result;
}

int lx_upstream_read(void *output, struct lx_upstream_tensor *tensor) {
    const struct torch_tensor *found = output;
    if (!found || (found->size > 0 && !found->data) || (found->rank > 0 && !found->dimensions)) return -EIO;
    *tensor = (struct lx_upstream_tensor){
        .data = found->data, .size = found->size, .dimensions = found->dimensions, .rank = found->rank, .type = found->type};
    return 0;
}

void lx_upstream_release(const struct lx_upstream *upstream, void *output) {
    if (output) CALL(upstream, "vaccel_torch_tensor_delete", (void *), output);
}
