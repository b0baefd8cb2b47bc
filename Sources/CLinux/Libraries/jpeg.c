#include "images.h"
#include "texts.h"
#include <errno.h>

/* Facts of turbojpeg.h, version 2.1. */
enum { pixel_rgb = 0, pixel_grey = 6, limit_scans = 32768, error_warning = 0 };

typedef void *(*start_function)(void);
typedef int (*header_function)(void *, const unsigned char *, unsigned long, int *, int *, int *, int *);
typedef int (*pixels_function)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
typedef int (*end_function)(void *);
typedef char *(*error_function)(void *);
typedef int (*severity_function)(void *);

int lx_jpeg_size(const struct lx_jpeg *jpeg, const uint8_t *data, size_t size, int *width, int *height, char *text, size_t text_size) {
    int sampling, colours;
    void *handle = ((start_function)jpeg->start)();
    if (!handle) return -ENOMEM;
    int result = ((header_function)jpeg->header)(handle, data, size, width, height, &sampling, &colours);
    if (result != 0) lx_set_text(text, text_size, ((error_function)jpeg->error)(handle));
    ((end_function)jpeg->end)(handle);
    return result != 0 ? -EINVAL : 0;
}

/* Some cameras leave bytes behind that belong to nothing. Any other remark means that pixels are missing or wrong. */
static int harmless(const struct lx_jpeg *jpeg, void *handle) {
    if (((severity_function)jpeg->severity)(handle) != error_warning) return 0;
    return strstr(((error_function)jpeg->error)(handle), "extraneous bytes") != NULL;
}

int lx_jpeg_decode(const struct lx_jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, int channels, char *text, size_t text_size) {
    void *handle = ((start_function)jpeg->start)();
    if (!handle) return -ENOMEM;
    int result = ((pixels_function)jpeg->pixels)(
        handle, data, size, pixels, width, width * channels, height, channels == 1 ? pixel_grey : pixel_rgb,
        limit_scans);
    if (result != 0 && harmless(jpeg, handle)) result = 0;
    if (result != 0) lx_set_text(text, text_size, ((error_function)jpeg->error)(handle));
    ((end_function)jpeg->end)(handle);
    return result != 0 ? -EINVAL : 0;
}
