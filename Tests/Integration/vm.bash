# What tests of ordinary images in virtual machines share. To be loaded after helpers.bash.

# Writes an operator's configuration with Debian's cloud kernel to FILE; skips the test where there is none, or no QEMU.
need_vm_configuration() { # FILE
    need_command qemu-system-x86_64
    local server lab init=$RUNTIME
    server=$(ls /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd /usr/lib/virtiofsd 2>/dev/null | head -n 1)
    [[ $server ]] || skip "virtiofsd is not installed"
    # A debug build has libraries, which the machine has not.
    ! ldd "$init" 2>&1 | grep -q libswift || init=$repository/out/swiftlet
    [[ -x $init ]] || skip "no static executable at $init: build it with Hack/build"
    lab=$(bash -c 'source "$1" && need_kernel && echo "$vmlinuz $kernel_modules"' \
        vm "$repository/Tests/Conformance/cloud-kernel.bash" 2>"$TEST_DIR/kernel.log") ||
        skip "$(tail -n 1 "$TEST_DIR/kernel.log")"
    printf '[vm]\nkernel = "%s"\nmodules = "%s"\ninit = "%s"\n' "${lab% *}" "${lab#* }" "$init" >"$1"
}
