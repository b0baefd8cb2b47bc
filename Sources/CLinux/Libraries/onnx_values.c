#include "onnx_table.h"
#include "texts.h"
#include <errno.h>

int lx_onnx_count(const struct lx_onnx *onnx, void *session, int output, size_t *count, char *text, size_t size) {
    void *status = ONNX_CALL(onnx, output ? output_count : input_count, (const void *, size_t *), session, count);
    return lx_onnx_status(onnx, status, text, size);
}

/* Element type and dimensions of what the library tells about a tensor. */
static int read_info(const struct lx_onnx *onnx, const void *info, int32_t *type, int32_t *rank, int64_t *sizes, char *text, size_t size) {
    int found_type = 0;
    size_t count = 0;
    int result = lx_onnx_status(onnx, ONNX_CALL(onnx, element_type, (const void *, int *), info, &found_type), text, size);
    if (result == 0) result = lx_onnx_status(onnx, ONNX_CALL(onnx, dimension_count, (const void *, size_t *), info, &count), text, size);
    if (result < 0) return result;
    if (count > LX_ONNX_RANK) {
        lx_set_text(text, size, "a tensor has more than 16 dimensions");
        return -E2BIG;
    }
    *type = found_type;
    *rank = (int32_t)count;
    return lx_onnx_status(onnx, ONNX_CALL(onnx, dimensions, (const void *, int64_t *, size_t), info, sizes, count), text, size);
}

static int read_name(const struct lx_onnx *onnx, void *session, int output, size_t index, char *name, char *text, size_t size) {
    char *found = NULL;
    void *status = ONNX_CALL(
        onnx, output ? output_name : input_name, (const void *, size_t, void *, char **), session, index, onnx->allocator, &found);
    int result = lx_onnx_status(onnx, status, text, size);
    if (result < 0) return result;
    if (strlen(found) >= LX_ONNX_NAME) {
        lx_set_text(text, size, "an input or output has a name of more than 255 bytes");
        result = -ENAMETOOLONG;
    }
    lx_set_text(name, LX_ONNX_NAME, found);
    int freed = lx_onnx_status(onnx, ONNX_CALL(onnx, free_memory, (void *, void *), onnx->allocator, found), text, size);
    return result < 0 ? result : freed;
}

int lx_onnx_port(const struct lx_onnx *onnx, void *session, int output, size_t index, struct lx_onnx_port *port, char *text, size_t size) {
    void *type = NULL;
    const void *info = NULL;
    memset(port, 0, sizeof *port);
    int result = read_name(onnx, session, output, index, port->name, text, size);
    if (result < 0) return result;
    void *status = ONNX_CALL(onnx, output ? output_type : input_type, (const void *, size_t, void **), session, index, &type);
    result = lx_onnx_status(onnx, status, text, size);
    if (result < 0) return result;
    result = lx_onnx_status(onnx, ONNX_CALL(onnx, tensor_info_of_type, (const void *, const void **), type, &info), text, size);
    if (result == 0 && info) result = read_info(onnx, info, &port->type, &port->rank, port->dimensions, text, size);
    ONNX_RELEASE(onnx, release_type, type);
    return result;
}

int lx_onnx_run(const struct lx_onnx *onnx, void *session, const char *const *input_names, const struct lx_onnx_tensor *inputs, size_t given, const char *const *output_names, void **outputs, size_t wanted, char *text, size_t size) {
    enum { most = 64 };
    static char nothing;
    void *values[most];
    size_t made = 0;
    int result = 0;
    if (given > most || wanted > most) {
        lx_set_text(text, size, "a model has more than 64 inputs or outputs");
        return -E2BIG;
    }
    while (made < given && result == 0) {
        const struct lx_onnx_tensor *t = &inputs[made];
        void *status = ONNX_CALL(
            onnx, tensor_on_data, (const void *, void *, size_t, const int64_t *, size_t, int, void **), onnx->memory,
            t->size > 0 ? t->data : &nothing, t->size, t->dimensions, (size_t)t->rank, t->type, &values[made]);
        result = lx_onnx_status(onnx, status, text, size);
        if (result == 0) made++;
    }
    for (size_t i = 0; i < wanted; i++) outputs[i] = NULL;
    if (result == 0) {
        void *status = ONNX_CALL(
            onnx, run,
            (void *, const void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **), session,
            NULL, input_names, values, made, output_names, wanted, outputs);
        result = lx_onnx_status(onnx, status, text, size);
    }
    while (made > 0) lx_onnx_release(onnx, values[--made]);
    return result;
}

int lx_onnx_read(const struct lx_onnx *onnx, void *value, struct lx_onnx_tensor *tensor, char *text, size_t size) {
    void *info = NULL;
    int tensor_like = 0;
    memset(tensor, 0, sizeof *tensor);
    int result = lx_onnx_status(onnx, ONNX_CALL(onnx, is_tensor, (const void *, int *), value, &tensor_like), text, size);
    if (result < 0) return result;
    if (!tensor_like) {
        lx_set_text(text, size, "the model gives something that is no tensor");
        return -ENOTSUP;
    }
    result = lx_onnx_status(onnx, ONNX_CALL(onnx, tensor_info_of_value, (const void *, void **), value, &info), text, size);
    if (result < 0) return result;
    result = read_info(onnx, info, &tensor->type, &tensor->rank, tensor->dimensions, text, size);
    ONNX_RELEASE(onnx, release_tensor_info, info);
    if (result < 0) return result;
    return lx_onnx_status(onnx, ONNX_CALL(onnx, tensor_data, (void *, void **), value, &tensor->data), text, size);
}

void lx_onnx_release(const struct lx_onnx *onnx, void *value) {
    if (value) ONNX_RELEASE(onnx, release_value, value);
}
