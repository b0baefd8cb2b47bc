#include "images.h"
#include "texts.h"
#include <errno.h>

/* Facts of png.h, version 1.6: the simplified interface and its version 1 of the structure. */
struct image {
    void *opaque;
    uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
    char message[64];
};
struct colour {
    uint8_t red, green, blue;
};
enum { image_version = 1, format_grey = 0, format_colour = 2 };

typedef int (*begin_function)(struct image *, const void *, size_t);
typedef int (*finish_function)(struct image *, const struct colour *, void *, int32_t, void *);
typedef void (*release_function)(struct image *);
typedef int (*write_function)(struct image *, void *, size_t *, int, const void *, int32_t, const void *);

static int fail(const struct lx_png *png, struct image *image, char *text, size_t size) {
    lx_set_text(text, size, image->message);
    ((release_function)png->release)(image);
    return -EINVAL;
}

int lx_png_size(const struct lx_png *png, const uint8_t *data, size_t size, uint32_t *width, uint32_t *height, char *text, size_t text_size) {
    struct image image = {.version = image_version};
    if (!((begin_function)png->begin)(&image, data, size)) return fail(png, &image, text, text_size);
    *width = image.width;
    *height = image.height;
    ((release_function)png->release)(&image);
    return 0;
}

int lx_png_decode(const struct lx_png *png, const uint8_t *data, size_t size, uint8_t *pixels, uint32_t width, uint32_t height, int channels, char *text, size_t text_size) {
    static const struct colour white = {255, 255, 255};
    struct image image = {.version = image_version};
    if (!((begin_function)png->begin)(&image, data, size)) return fail(png, &image, text, text_size);
    if (image.width != width || image.height != height) return fail(png, &image, text, text_size);
    image.format = channels == 1 ? format_grey : format_colour;
    if (!((finish_function)png->finish)(&image, &white, pixels, (int32_t)(width * (uint32_t)channels), NULL)) {
        return fail(png, &image, text, text_size);
    }
    ((release_function)png->release)(&image);
    return 0;
}

int lx_png_encode(const struct lx_png *png, const uint8_t *pixels, uint32_t width, uint32_t height, int channels, uint8_t *output, size_t *size, char *text, size_t text_size) {
    struct image image = {.version = image_version, .width = width, .height = height};
    image.format = channels == 1 ? format_grey : format_colour;
    if (!((write_function)png->write)(&image, output, size, 0, pixels, (int32_t)(width * (uint32_t)channels), NULL)) {
        return fail(png, &image, text, text_size);
    }
    ((release_function)png->release)(&image);
    return 0;
}
