#include "onnx_table.h"
#include "texts.h"
#include <errno.h>
#include <stdio.h>

struct base {
    void *const *(*table)(uint32_t version);
    const char *(*version)(void);
};

static const struct base *base_of(void *function) { return ((const struct base *(*)(void))function)(); }

const char *lx_onnx_version(void *base) { return base_of(base)->version(); }

int lx_onnx_status(const struct lx_onnx *onnx, void *status, char *text, size_t size) {
    /* By OrtErrorCode: fail, invalid argument, no such file, no model, engine, exception, protobuf, loaded, not implemented, graph, provider. */
    static const int numbers[] = {0, EIO, EINVAL, ENOENT, ENOENT, EIO, EIO, ENOEXEC, EBUSY, ENOSYS, ENOEXEC, ENODEV};
    if (!status) return 0;
    unsigned code = ((unsigned (*)(const void *))onnx->table[error_code])(status);
    lx_set_text(text, size, ((const char *(*)(const void *))onnx->table[error_message])(status));
    ONNX_RELEASE(onnx, release_status, status);
    return code > 0 && code < sizeof numbers / sizeof *numbers ? -numbers[code] : -EIO;
}

int lx_onnx_start(void *base, struct lx_onnx *onnx, char *text, size_t size) {
    enum { only_fatal = 4, arena = 1, processor = 0 };
    memset(onnx, 0, sizeof *onnx);
    onnx->table = base_of(base)->table(table_version);
    if (!onnx->table) return -ENOSYS;
    int result = lx_onnx_status(
        onnx, ONNX_CALL(onnx, create_environment, (int, const char *, void **), only_fatal, "swiftlet", &onnx->environment),
        text, size);
    if (result == 0) {
        result = lx_onnx_status(
            onnx, ONNX_CALL(onnx, create_processor_memory, (int, int, void **), arena, processor, &onnx->memory), text, size);
    }
    if (result == 0) {
        result = lx_onnx_status(onnx, ONNX_CALL(onnx, default_allocator, (void **), &onnx->allocator), text, size);
    }
    if (result < 0) lx_onnx_stop(onnx);
    return result;
}

void lx_onnx_stop(struct lx_onnx *onnx) {
    if (onnx->memory) ONNX_RELEASE(onnx, release_memory, onnx->memory);
    if (onnx->environment) ONNX_RELEASE(onnx, release_environment, onnx->environment);
    memset(onnx, 0, sizeof *onnx);
}

int lx_onnx_providers(const struct lx_onnx *onnx, char *text, size_t size) {
    char **names = NULL;
    int count = 0;
    int result = lx_onnx_status(onnx, ONNX_CALL(onnx, provider_names, (char ***, int *), &names, &count), text, size);
    if (result < 0) return result;
    size_t used = 0;
    lx_set_text(text, size, "");
    for (int i = 0; i < count && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", names[i]);
    }
    return lx_onnx_status(onnx, ONNX_CALL(onnx, release_provider_names, (char **, int), names, count), text, size);
}

static int use_cuda(const struct lx_onnx *onnx, void *options, int device, char *text, size_t size) {
    char number[16];
    const char *names[] = {"device_id"}, *values[] = {number};
    void *cuda = NULL;
    snprintf(number, sizeof number, "%d", device);
    int result = lx_onnx_status(onnx, ONNX_CALL(onnx, create_cuda_options, (void **), &cuda), text, size);
    if (result < 0) return result;
    result = lx_onnx_status(
        onnx,
        ONNX_CALL(onnx, update_cuda_options, (void *, const char *const *, const char *const *, size_t), cuda, names, values, 1),
        text, size);
    if (result == 0) {
        result = lx_onnx_status(onnx, ONNX_CALL(onnx, append_cuda, (void *, const void *), options, cuda), text, size);
    }
    ONNX_RELEASE(onnx, release_cuda_options, cuda);
    return result;
}

static int set_options(const struct lx_onnx *onnx, void *options, const struct lx_onnx_options *wanted, char *text, size_t size) {
    enum { only_fatal = 4, all_optimizations = 99 };
    /* Another format of models exists, whose files are not looked at for what they refer to. */
    static const char *const settings[][2] = {{"session.load_model_format", "ONNX"}, {"session.intra_op.allow_spinning", "0"}};
    const struct { int index, value; } numbers[] = {
        {set_log_level, only_fatal},
        {set_optimization, all_optimizations},
        {set_threads_within, wanted->threads},
        {set_threads_between, 1},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int result = lx_onnx_status(onnx, ONNX_CALL(onnx, numbers[i].index, (void *, int), options, numbers[i].value), text, size);
        if (result < 0) return result;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        void *status = ONNX_CALL(onnx, add_setting, (void *, const char *, const char *), options, settings[i][0], settings[i][1]);
        int result = lx_onnx_status(onnx, status, text, size);
        if (result < 0) return result;
    }
    return wanted->cuda_device >= 0 ? use_cuda(onnx, options, wanted->cuda_device, text, size) : 0;
}

int lx_onnx_load(const struct lx_onnx *onnx, const void *model, size_t model_size, const struct lx_onnx_options *wanted, void **session, char *text, size_t size) {
    void *options = NULL;
    int result = lx_onnx_status(onnx, ONNX_CALL(onnx, create_options, (void **), &options), text, size);
    if (result < 0) return result;
    result = set_options(onnx, options, wanted, text, size);
    if (result == 0) {
        void *status = ONNX_CALL(
            onnx, load_from_memory, (const void *, const void *, size_t, const void *, void **), onnx->environment, model,
            model_size, options, session);
        result = lx_onnx_status(onnx, status, text, size);
    }
    ONNX_RELEASE(onnx, release_options, options);
    return result;
}

void lx_onnx_unload(const struct lx_onnx *onnx, void *session) { ONNX_RELEASE(onnx, release_session, session); }
