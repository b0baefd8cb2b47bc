/*
 * Stands in for vAccel's library (release 0.8) in tests of the back-end libvaccel: the same functions, with answers of its
 * own. Built with PLUGIN it is the plug-in that is to be named.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct resource {
    void *data;
    size_t size;
    bool registered, loaded;
};
struct tensor {
    void *data;
    size_t size;
    bool owned;
    int64_t rank;
    int64_t *dimensions;
    int type;
};

static char directory[64];
static int session;

/* As upstream's: without a plug-in it does not start, and it makes a directory for itself. */
int vaccel_bootstrap(void) {
    const char *plugins = getenv("VACCEL_PLUGINS");
    if (!plugins || !strstr(plugins, "standin-plugin.so")) return 19;
    if (getenv("STANDIN_FAILS")) return 80;
    mkdir("/tmp/vaccel", 0700);
    strcpy(directory, "/tmp/vaccel/XXXXXX");
    return mkdtemp(directory) ? 0 : 5;
}
const char *vaccel_rundir(void) { return directory; }
int vaccel_session_new(void **made, uint32_t flags) {
    *made = &session;
    return flags == 0 ? 0 : 22;
}

int vaccel_image_classification(void *s, const void *image, char *text, char *name, size_t size, size_t text_size, size_t name_size) {
    if (s != &session || size == 0) return 22;
    if (memcmp(image, "crash", size < 5 ? size : 5) == 0) abort();
    snprintf(text, text_size, "%zu bytes", size);
    snprintf(name, name_size, "picture");
    return 0;
}
int vaccel_image_detection(void *s, const void *image, char *name, size_t size, size_t name_size) {
    (void)image;
    (void)size;
    snprintf(name, name_size, "detected");
    return s == &session ? 0 : 22;
}
int vaccel_image_depth(void *s, const void *image, char *name, size_t size, size_t name_size) {
    (void)s, (void)image, (void)name, (void)size, (void)name_size;
    return 95;
}

int vaccel_sgemm(void *s, int64_t m, int64_t n, int64_t k, float alpha, float *a, int64_t lda, float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t l = 0; l < k; l++) sum += a[i * lda + l] * b[l * ldb + j];
            c[i * ldc + j] = alpha * sum + beta * c[i * ldc + j];
        }
    }
    return s == &session ? 0 : 22;
}
int vaccel_fpga_parallel(void *s, float *a, float *b, float *sums, float *products, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sums[i] = a[i] + b[i];
        products[i] = a[i] * b[i];
    }
    return s == &session ? 0 : 22;
}

int vaccel_resource_from_buf(void **made, const void *data, size_t size, int type, const char *name, bool memory) {
    struct resource *resource = calloc(1, sizeof *resource);
    if (type != 2 || !memory || strchr(name, '/') || !resource) return 22;
    resource->data = malloc(size);
    memcpy(resource->data, data, resource->size = size);
    *made = resource;
    return 0;
}
int vaccel_resource_register(struct resource *resource, void *s) {
    resource->registered = true;
    return s == &session ? 0 : 22;
}
int vaccel_resource_unregister(struct resource *resource, void *s) {
    resource->registered = false;
    return s == &session ? 0 : 22;
}
int vaccel_resource_delete(struct resource *resource) {
    if (resource->registered) return 16;
    free(resource->data);
    free(resource);
    return 0;
}
int vaccel_torch_model_load(void *s, struct resource *resource) {
    if (s != &session || resource->size < 5 || memcmp(resource->data, "model", 5) != 0) return 8;
    resource->loaded = true;
    return 0;
}

int vaccel_torch_tensor_new(struct tensor **made, int64_t rank, const int64_t *dimensions, int type) {
    struct tensor *tensor = calloc(1, sizeof *tensor);
    tensor->rank = rank;
    tensor->type = type;
    tensor->dimensions = malloc((size_t)rank * 8 + 1);
    memcpy(tensor->dimensions, dimensions, (size_t)rank * 8);
    *made = tensor;
    return 0;
}
int vaccel_torch_tensor_set_data(struct tensor *tensor, void *data, size_t size) {
    tensor->data = data;
    tensor->size = size;
    return 0;
}
int vaccel_torch_tensor_delete(struct tensor *tensor) {
    if (tensor->owned) free(tensor->data);
    free(tensor->dimensions);
    free(tensor);
    return 0;
}
/* Twice the inputs, floats, in turn. */
int vaccel_torch_model_run(void *s, struct resource *resource, const void *options, struct tensor *const *inputs, int input_count, struct tensor **outputs, int output_count) {
    if (s != &session || !resource->loaded || options || input_count == 0) return 22;
    for (int i = 0; i < output_count; i++) {
        const struct tensor *input = inputs[i % input_count];
        vaccel_torch_tensor_new(&outputs[i], input->rank, input->dimensions, input->type);
        outputs[i]->owned = true;
        outputs[i]->size = input->size;
        outputs[i]->data = malloc(input->size);
        for (size_t e = 0; e < input->size / 4; e++) ((float *)outputs[i]->data)[e] = 2 * ((const float *)input->data)[e];
    }
    return 0;
}
