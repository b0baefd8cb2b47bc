/* Matrix products of a BLAS library with the C interface (cblas.h). */
#ifndef CLIBRARIES_BLAS_H
#define CLIBRARIES_BLAS_H

#include <stdint.h>

/* Before the library is opened: how many threads it makes when it starts. An operator's own word stands. */
void lx_blas_set_threads(int count);

/* C = alpha A B + beta C, rows one after the other, nothing transposed. The caller has checked all sizes. */
void lx_blas_sgemm(
    void *function, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
    float *c, int ldc);

#endif
