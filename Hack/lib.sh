# Shared by the scripts of this directory, which source it. Sets `root`, the repository, and the paths below.
#
# SWIFTLET_BUILD_PATH   where Swift builds; .build in the repository unless set
# SWIFTLET_OUT          where the finished executable goes; out in the repository unless set

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
program=$(basename "$0")
build_path=${SWIFTLET_BUILD_PATH:-$root/.build}
out=${SWIFTLET_OUT:-$root/out}

# A target that imports what Package.swift does not give it fails the build.
layer_flags=(--explicit-target-dependency-import-check error)

die() {
    echo "$program: $*" >&2
    exit 1
}

# Prints the comment at the top of the script as its help.
usage() {
    sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"
}

heading() {
    printf '\n== %s\n' "$*"
}

need_swift() {
    command -v swift >/dev/null || die "no swift on PATH: install Swift 6.3 or newer from https://swift.org/install"
}
