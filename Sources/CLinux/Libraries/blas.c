#include "blas.h"
#include <stdio.h>
#include <stdlib.h>

void lx_blas_set_threads(int count) {
    char text[16];
    snprintf(text, sizeof text, "%d", count);
    setenv("OPENBLAS_NUM_THREADS", text, 0);
    setenv("OMP_NUM_THREADS", text, 0);
}

/* Numbers of cblas.h. */
enum { row_major = 101, not_transposed = 111 };

typedef void (*sgemm_function)(
    int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
    const float *b, int ldb, float beta, float *c, int ldc);

void lx_blas_sgemm(
    void *function, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
    float *c, int ldc) {
    ((sgemm_function)function)(
        row_major, not_transposed, not_transposed, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
