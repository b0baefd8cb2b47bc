/* Inside this target: where ONNX Runtime's functions are in its table, and how they are called. */
#ifndef CLIBRARIES_ONNX_TABLE_H
#define CLIBRARIES_ONNX_TABLE_H

#include "onnx.h"

/* The version of the table that is asked for: the first that has all functions below. */
enum { table_version = 14 };

enum {
    error_code = 1,
    error_message = 2,
    create_environment = 3,
    load_from_memory = 8,
    run = 9,
    create_options = 10,
    set_log_level = 22,
    set_optimization = 23,
    set_threads_within = 24,
    set_threads_between = 25,
    input_count = 30,
    output_count = 31,
    input_type = 33,
    output_type = 34,
    input_name = 36,
    output_name = 37,
    tensor_on_data = 49,
    is_tensor = 50,
    tensor_data = 51,
    tensor_info_of_type = 55,
    element_type = 60,
    dimension_count = 61,
    dimensions = 62,
    tensor_info_of_value = 65,
    create_processor_memory = 69,
    free_memory = 76,
    default_allocator = 78,
    release_environment = 92,
    release_status = 93,
    release_memory = 94,
    release_session = 95,
    release_value = 96,
    release_type = 98,
    release_tensor_info = 99,
    release_options = 100,
    provider_names = 125,
    release_provider_names = 126,
    add_setting = 130,
    append_cuda = 204,
    create_cuda_options = 205,
    update_cuda_options = 206,
    release_cuda_options = 208,
};

/* Every function that can fail returns a status; NULL means that it did not. */
#define ONNX_CALL(onnx, index, types, ...) (((void *(*)types)(onnx)->table[index])(__VA_ARGS__))
#define ONNX_RELEASE(onnx, index, object) (((void (*)(void *))(onnx)->table[index])(object))

/* Turns a status into -errno and its words, and lets it go. */
int lx_onnx_status(const struct lx_onnx *onnx, void *status, char *text, size_t size);

#endif
