# The same binaries under Solo5's own tenders and under swiftlet: output and status must agree.
#
# SOLO5_TESTS     Solo5's tests directory, built: test_NAME/test_NAME.hvt and .spt
# SOLO5_TENDERS   a directory with solo5-hvt and solo5-spt; PATH is searched otherwise
#
# Where swiftlet differs on purpose: a fault of an spt guest is 255 with a message, not a signal's status; what a tender
# itself refuses is 1 there, and an error of `create` here.

load helpers

setup() {
    prepare
    need_guests spt
    PATH=${SOLO5_TENDERS:+$SOLO5_TENDERS:}$PATH
    # Some guests take half a minute where KVM itself is emulated.
    LIMIT=120
}

# Memory in MiB that both give the guest.
memory=32

# Runs a binary both ways and compares.
compare() { # hvt|spt FILE ARGS...
    local kind=$1 file=$2 theirs
    shift 2
    local reference_status=0
    # Terminal control aside, a tender's own banner is on standard output, before the guest's.
    timeout "$LIMIT" "solo5-$kind" "--mem=$memory" -- "$file" "$@" >"$TEST_DIR/reference" 2>"$TEST_DIR/reference.err" </dev/null 3>&- ||
        reference_status=$?
    new_bundle
    cp "$file" "$BUNDLE/rootfs/unikernel"
    guest_config "$@"
    run_container
    theirs=$(without_clocks <"$TEST_DIR/reference")
    case $reference_status in
    132 | 136 | 139) reference_status=255 ;;
    1) # A tender ends with 1 for its own reasons, hvt also when the guest's machine shuts down.
        [[ ! -s $TEST_DIR/reference.err ]] || reference_status=255 ;;
    esac
    [[ $status == "$reference_status" && $(without_clocks <<<"$output") == "$theirs" ]] || {
        problems+="--- $(basename "$file") $*: status $reference_status there, $status here"$'\n'
        problems+="$(diff <(echo "$theirs") <(without_clocks <<<"$output") | head -n 10)"$'\n'"$stderr"$'\n'
    }
    rm -rf "$BUNDLE"
}

# The configuration of guest_bundle for an image that is there.
guest_config() { # ARGS...
    local there=$BUNDLE id=$ID
    guest_bundle spt hello "$@"
    # The monitor's own memory comes on top of the guest's.
    edit ".annotations = {\"org.swiftlet.unikernel.binary\": \"/unikernel\"} | .linux.resources.memory.limit = ($memory + 4) * 1048576"
    mv "$there/rootfs/unikernel" "$BUNDLE/rootfs/unikernel"
}

# What differs from run to run: clocks, the processor's speed, addresses of the tender.
without_clocks() {
    tr -d '\0' | sed -E 's/[0-9]{9,}/N/g; s/0x[0-9a-f]{6,}/X/g; s/(TSC|frequency|Clock source|Overhead).*//'
}

need_tender() { # hvt|spt
    command -v "solo5-$1" >/dev/null || skip "no solo5-$1: name its directory in SOLO5_TENDERS"
    [[ $1 != hvt ]] || need_kvm
    problems=''
}

all_agree() {
    [[ ! $problems ]] || {
        echo "$problems"
        return 1
    }
}

our_guests() { # hvt|spt
    local kind
    compare "$1" "$GUESTS/hello.$1" Hello 'two words' ''
    compare "$1" "$GUESTS/arguments.$1" a 'b  c' '' '"q"' "it's" '\n' ü
    compare "$1" "$GUESTS/arguments.$1"
    compare "$1" "$GUESTS/output.$1"
    compare "$1" "$GUESTS/memory.$1"
    compare "$1" "$GUESTS/clock.$1"
    compare "$1" "$GUESTS/sleep.$1" 50
    compare "$1" "$GUESTS/abort.$1"
    for kind in 0 1 7 63 255 256 300; do compare "$1" "$GUESTS/exit.$1" $kind; done
    for kind in read-null write-null jump-null beyond write-text write-constants execute-data undefined divide stack; do
        compare "$1" "$GUESTS/fault.$1" $kind
    done
    for kind in '' straddle huge; do compare "$1" "$GUESTS/badpointer.$1" $kind; done
    all_agree
}

their_guests() { # hvt|spt
    [[ ${SOLO5_TESTS-} ]] || skip "no test guests of Solo5's: name their directory in SOLO5_TESTS"
    local name arguments compared=0
    for name in hello quiet globals exception zeropage rnow xnow xnor rnox wnox notls tls ssp fpu time seccomp; do
        [[ -e $SOLO5_TESTS/test_$name/test_$name.$1 ]] || continue
        case $name in
        hello) arguments=(Hello_Solo5) ;;
        quiet) arguments=(--solo5:quiet) ;;
        *) arguments=() ;;
        esac
        compare "$1" "$SOLO5_TESTS/test_$name/test_$name.$1" "${arguments[@]}"
        compared=$((compared + 1))
    done
    ((compared > 5)) || fail "only $compared test guests in $SOLO5_TESTS"
    all_agree
}

@test "our guests behave as under solo5-spt" {
    need_tender spt
    our_guests spt
}

@test "our guests behave as under solo5-hvt" {
    need_tender hvt
    our_guests hvt
}

@test "Solo5's test guests behave as under solo5-spt" {
    need_tender spt
    their_guests spt
}

@test "Solo5's test guests behave as under solo5-hvt" {
    need_tender hvt
    their_guests hvt
}
