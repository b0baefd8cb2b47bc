/*
 * JPEG through libjpeg-turbo's TurboJPEG interface, PNG through libpng's simplified one. Neither jumps over its
 * caller's frames (setjmp) when something is wrong.
 *
 * A function that can fail returns 0 or -errno, and writes the library's own words to `text`, always NUL-terminated.
 */
#ifndef CLIBRARIES_IMAGES_H
#define CLIBRARIES_IMAGES_H

#include <stddef.h>
#include <stdint.h>

/* The functions of libturbojpeg.so.0 that are used. */
struct lx_jpeg {
    void *start, *header, *pixels, *end, *error, *severity;
};
/* The functions of libpng16.so.16 that are used. */
struct lx_png {
    void *begin, *finish, *release, *write;
};

/* Width and height in pixels, from the header alone. */
int lx_jpeg_size(const struct lx_jpeg *jpeg, const uint8_t *data, size_t size, int *width, int *height, char *text, size_t text_size);
/* Exactly width * height * channels bytes, rows from the top; channels is 1 (grey) or 3 (red, green, blue). */
int lx_jpeg_decode(const struct lx_jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, int channels, char *text, size_t text_size);

int lx_png_size(const struct lx_png *png, const uint8_t *data, size_t size, uint32_t *width, uint32_t *height, char *text, size_t text_size);
/* As lx_jpeg_decode; what is transparent is laid on white. */
int lx_png_decode(const struct lx_png *png, const uint8_t *data, size_t size, uint8_t *pixels, uint32_t width, uint32_t height, int channels, char *text, size_t text_size);
/* Writes a PNG file of 8-bit samples; *size is the room in output, and what was used of it afterwards. */
int lx_png_encode(const struct lx_png *png, const uint8_t *pixels, uint32_t width, uint32_t height, int channels, uint8_t *output, size_t *size, char *text, size_t text_size);

#endif
