/* How much of its address space a process uses, where there is no /proc to ask. */
#ifndef CLIBRARIES_ADDRESS_SPACE_H
#define CLIBRARIES_ADDRESS_SPACE_H

/* Bytes: the smallest RLIMIT_AS with which a page more can be mapped, less that page. -errno when it cannot be told. No other thread
 * may map anything meanwhile, for it might be refused. */
long lx_address_space(void);

#endif
