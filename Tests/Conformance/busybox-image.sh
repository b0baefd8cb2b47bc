#!/bin/bash
# Packs Debian's busybox as a root filesystem, the image that suites use for nearly everything.
#
# usage: busybox-image.sh TAR
set -euo pipefail
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
# No proc and no sys, as in the usual image: a runtime makes what it mounts on.
mkdir -p "$tree"/{bin,dev,etc,home,root,sbin,tmp,usr/bin,usr/sbin,var/run,var/tmp}
chmod 1777 "$tree"/{tmp,var/tmp}
cp "$(command -v busybox)" "$tree/bin/busybox"
for applet in $(busybox --list); do
    [[ $applet == busybox ]] || ln -s busybox "$tree/bin/$applet"
done
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'daemon:x:1:1::/:/bin/false' \
    'nobody:x:65534:65534::/:/bin/false' >"$tree/etc/passwd"
printf '%s\n' 'root:x:0:' 'daemon:x:1:' 'tty:x:5:' 'nogroup:x:65534:' >"$tree/etc/group"
tar --owner 0 --group 0 --numeric-owner -C "$tree" -cf "$1" .
