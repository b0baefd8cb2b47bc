/* KVM as the hvt monitor uses it: its ioctls are macros, which Swift cannot see. */
#ifndef CLINUX_KVM_CALLS_H
#define CLINUX_KVM_CALLS_H

#include "clinux.h"
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static inline int lx_kvm_api_version(int kvm) { return (int)LX_RESULT(ioctl(kvm, KVM_GET_API_VERSION, 0)); }
static inline int lx_kvm_has_user_memory(int kvm) { return (int)LX_RESULT(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY)); }
static inline int lx_kvm_has_tsc_khz(int kvm) { return (int)LX_RESULT(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_GET_TSC_KHZ)); }
static inline int lx_kvm_create_machine(int kvm) { return (int)LX_RETRY(ioctl(kvm, KVM_CREATE_VM, 0)); }
static inline int lx_kvm_create_cpu(int machine) { return (int)LX_RETRY(ioctl(machine, KVM_CREATE_VCPU, 0)); }
static inline int lx_kvm_run_size(int kvm) { return (int)LX_RESULT(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0)); }
/* The page that KVM and the monitor talk through; its address, or -errno. */
static inline int64_t lx_kvm_map_run(int cpu, size_t size) {
    void *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    return run == MAP_FAILED ? -errno : (int64_t)(intptr_t)run;
}
/* Guest memory: `size` bytes at `host`, from guest address 0 on. */
static inline int lx_kvm_set_memory(int machine, const void *host, uint64_t size) {
    struct kvm_userspace_memory_region region = {.memory_size = size, .userspace_addr = (uint64_t)(uintptr_t)host};
    return (int)LX_RETRY(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region));
}
/* Shows the guest every CPU feature that KVM supports. */
static inline int lx_kvm_copy_cpuid(int kvm, int cpu) {
    enum { most = 256 };
    struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[most]; } all;
    memset(&all, 0, sizeof all);
    all.head.nent = most;
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &all) < 0) return -errno;
    return (int)LX_RESULT(ioctl(cpu, KVM_SET_CPUID2, &all));
}
static inline int lx_kvm_tsc_khz(int cpu) { return (int)LX_RESULT(ioctl(cpu, KVM_GET_TSC_KHZ, 0)); }
static inline int lx_kvm_get_system_registers(int cpu, struct kvm_sregs *s) { return (int)LX_RESULT(ioctl(cpu, KVM_GET_SREGS, s)); }
static inline int lx_kvm_set_system_registers(int cpu, const struct kvm_sregs *s) { return (int)LX_RESULT(ioctl(cpu, KVM_SET_SREGS, s)); }
static inline int lx_kvm_get_registers(int cpu, struct kvm_regs *r) { return (int)LX_RESULT(ioctl(cpu, KVM_GET_REGS, r)); }
static inline int lx_kvm_set_registers(int cpu, const struct kvm_regs *r) { return (int)LX_RESULT(ioctl(cpu, KVM_SET_REGS, r)); }
/* Runs the guest until it needs the monitor. */
static inline int lx_kvm_run(int cpu) { return (int)LX_RETRY(ioctl(cpu, KVM_RUN, 0)); }
/* The requests the monitor makes once the guest runs, for its allow-list. */
static inline uint64_t lx_kvm_run_request(void) { return KVM_RUN; }
static inline uint64_t lx_kvm_get_registers_request(void) { return KVM_GET_REGS; }

#endif
