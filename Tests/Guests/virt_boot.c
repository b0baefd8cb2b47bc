// What the monitor says of the machine: the command line and the memory, in the form of PVH (start information, see
// Xen's public/arch-x86/hvm/start_info.h) or of Linux (boot parameters, see Documentation/arch/x86/zero-page.rst).

#include "virt.h"

enum { PAGE = 4096, LOW_PAGES = 512, MEMORY_USABLE = 1 };
enum { PAGE_PRESENT = 1 };

static const uint32_t start_information_magic = 0x336ec578;

struct start_information {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, acpi_root;
    // From version 1 on.
    uint64_t memory_map;
    uint32_t memory_map_count;
};

struct start_memory {
    uint64_t address, size;
    uint32_t type, reserved;
};

struct __attribute__((packed)) linux_memory {
    uint64_t address, size;
    uint32_t type;
};

// Offsets in Linux' boot parameters.
enum {
    LINUX_ACPI_ROOT = 0x070,
    LINUX_COMMAND_LINE_HIGH = 0x0c8,
    LINUX_MEMORY_COUNT = 0x1e8,
    LINUX_COMMAND_LINE = 0x228,
    LINUX_MEMORY = 0x2d0,
};

extern char program_start[], constants_start[], constants_end[], program_end[];

struct boot_facts boot_facts;
static uint64_t free_start = (uint64_t)(uintptr_t)program_end;

uint64_t kernel_end(void) { return free_start; }

void *virt_allocate(size_t size, size_t alignment) {
    uint64_t start = (free_start + alignment - 1) / alignment * alignment;
    if (start + size > boot_facts.memory_end - STACK_RESERVE)
        guest_abort("there is not enough memory for the devices");
    free_start = start + size;
    return __builtin_memset((void *)start, 0, size);
}

/// Only the piece that the program lies in counts: guests want their memory in one.
static void add_memory(uint64_t address, uint64_t size, uint32_t type) {
    uint64_t program = (uint64_t)(uintptr_t)program_start;
    if (type == MEMORY_USABLE && address <= program && address + size > program)
        boot_facts.memory_end = address + size;
}

static void read_start_information(const struct start_information *start) {
    static char nothing[1];
    if (start->magic != start_information_magic || start->version < 1)
        guest_abort("the PVH start information is not of version 1");
    boot_facts.command_line = start->command_line ? (char *)start->command_line : nothing;
    boot_facts.acpi_root = start->acpi_root;
    const struct start_memory *memory = (const struct start_memory *)start->memory_map;
    for (uint32_t index = 0; index < start->memory_map_count; index++)
        add_memory(memory[index].address, memory[index].size, memory[index].type);
}

static void read_boot_parameters(const uint8_t *parameters) {
    boot_facts.command_line = (char *)(uintptr_t)(*(const uint32_t *)(parameters + LINUX_COMMAND_LINE) |
                                                  (uint64_t)*(const uint32_t *)(parameters + LINUX_COMMAND_LINE_HIGH)
                                                      << 32);
    boot_facts.acpi_root = *(const uint64_t *)(parameters + LINUX_ACPI_ROOT);
    const struct linux_memory *memory = (const struct linux_memory *)(parameters + LINUX_MEMORY);
    for (uint8_t index = 0; index < parameters[LINUX_MEMORY_COUNT]; index++)
        add_memory(memory[index].address, memory[index].size, memory[index].type);
}

/// Takes the right to write from text and constants, and the page at address 0, so that whoever follows a null pointer
/// is found out. Before that, SeaBIOS' map of the memory lies there.
static void protect_program(void) {
    low_page_table[0] = 0;
    size_t end = (uintptr_t)constants_end / PAGE;
    for (size_t page = (uintptr_t)program_start / PAGE; page < end; page++)
        low_page_table[page] = page * PAGE | PAGE_PRESENT;
    reload_page_tables();
}

static void run(void) { guest_exit(guest_main()); }

/// Where virt_entry.S goes on, with the information of the one protocol or the other.
_Noreturn void virt_start(const struct start_information *start, const uint8_t *parameters) {
    serial_start();
    interrupts_start();
    if (start != NULL)
        read_start_information(start);
    else
        read_boot_parameters(parameters);
    if (boot_facts.memory_end < kernel_end() + STACK_RESERVE)
        guest_abort("there is not enough memory for the program");
    protect_program();
    virtio_start();
    continue_on_stack(boot_facts.memory_end, run);
}
