# Monitors with an HTTP API, which Debian does not have: the real one where FIRECRACKER or CLOUD_HYPERVISOR names it or PATH
# has it, else a program that speaks the same API, has the same files and ends the same ways. To be loaded after helpers.bash.

# Puts the stand-in for a monitor first on PATH.
use_stand_in() { # MONITOR
    [[ -e $GUESTS/vmm.linux ]] || skip "no stand-in for monitors in $GUESTS: build it with Hack/build-guests"
    mkdir -p "$TEST_DIR/monitors"
    cp "$GUESTS/vmm.linux" "$TEST_DIR/monitors/$1"
    [[ $PATH == "$TEST_DIR/monitors:"* ]] || PATH=$TEST_DIR/monitors:$PATH
}

# Puts a real monitor on PATH where its variable names one; fails where this machine has none.
find_real() { # MONITOR
    local variable=${1^^}
    variable=${variable//-/_}
    [[ ! ${!variable-} ]] || PATH=$(dirname "${!variable}"):$PATH
    command -v "$1" >/dev/null
}

# The container of a guest that the stand-in plays: the first word says what it does, see vmm_guest.c.
stand_in_bundle() { # MONITOR WORDS...
    guest_bundle virt hello "${@:2}"
    edit '.linux.resources.memory.limit = 67108864 | .annotations."org.swiftlet.unikernel.monitor" = $MONITOR' \
        --arg MONITOR "$1"
}
