# Debian's cloud kernel for guests of QEMU; sourced by what boots one. It is fetched with apt-get once and kept in
# ${SWIFTLET_LAB:-$HOME/.cache/swiftlet-lab}.

kernel_cache=${SWIFTLET_LAB:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/swiftlet-lab}
kernel_package=linux-image-cloud-amd64

# What cannot be had is a reason to skip, not a failure.
cannot() {
    echo "$(basename "$0"): $*" >&2
    exit 77
}

fetch_kernel() {
    local package work
    package=$(apt-cache depends "$kernel_package" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [[ $package ]] || return 1
    work=$(mktemp -d)
    (cd "$work" && apt-get download "$package" >/dev/null 2>&1) && dpkg-deb -x "$work"/*.deb "$kernel_cache/kernel.new" || {
        rm -rf "$work"
        return 1
    }
    rm -rf "$work" "$kernel_cache/kernel"
    depmod --basedir "$kernel_cache/kernel.new" "$(basename "$kernel_cache"/kernel.new/lib/modules/*)"
    mv "$kernel_cache/kernel.new" "$kernel_cache/kernel"
}

# Sets `vmlinuz`, the kernel as a bzImage, `kernel_version` and `kernel_modules`, the directory of its modules.
need_kernel() {
    local tool
    for tool in busybox cpio modprobe dpkg-deb; do
        command -v "$tool" >/dev/null || cannot "$tool is not installed"
    done
    file --brief "$(command -v busybox)" 2>/dev/null | grep -q dynamically &&
        cannot "busybox is not static: install busybox-static"
    mkdir -p "$kernel_cache"
    # Several that start at once fetch it once.
    exec 9>"$kernel_cache/lock"
    flock 9
    [[ -d $kernel_cache/kernel ]] || fetch_kernel ||
        cannot "the package of $kernel_package cannot be fetched with apt-get"
    exec 9>&-
    vmlinuz=$(echo "$kernel_cache"/kernel/boot/vmlinuz-*)
    kernel_version=${vmlinuz##*/vmlinuz-}
    kernel_modules=$kernel_cache/kernel/lib/modules/$kernel_version
}

# Copies modules with what they need to DIRECTORY, and names them in DIRECTORY/order in the order of loading.
copy_modules() { # DIRECTORY MODULE...
    local directory=$1 module
    shift
    mkdir -p "$directory"
    for module; do
        modprobe --dirname "$kernel_cache/kernel" --set-version "$kernel_version" --show-depends "$module"
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r module; do
        cp "$module" "$directory/"
        echo "${module##*/}" >>"$directory/order"
    done
}

# Packs a directory as an initial root filesystem.
pack_initrd() { # DIRECTORY FILE
    (cd "$1" && find . | LC_ALL=C sort | cpio --quiet --reproducible -R 0:0 -o -H newc) | gzip -n -1 >"$2"
}
