#!/usr/bin/env bats
# The guests that drive hardware, on the machines of QEMU as Debian packages it and without the runtime: what they do
# there by themselves, so that a failure under the runtime is the runtime's.

load helpers
load network.bash

machines=(microvm q35 pc)

setup() {
    prepare
    need_command qemu-system-x86_64
    [[ -e $GUESTS/hello.virt ]] || skip "no test guests in $GUESTS: build them with Hack/build-guests"
}

# How a machine's devices are called.
bus_of() { if [[ $1 == microvm ]]; then echo device; else echo pci; fi; }

# Sets `command` to boot a kernel, without KVM: that is not everywhere.
machine() { # MACHINE KERNEL COMMAND_LINE OPTIONS...
    command=(qemu-system-x86_64 -M "$1" -accel tcg -cpu max -m 64 -nodefaults -no-user-config -display none -no-reboot
        -device "isa-debug-exit,iobase=0x501,iosize=2" -global virtio-mmio.force-legacy=false
        -kernel "$2" -append "$3" "${@:4}")
}

# Boots a guest and waits for its end; sets output and status, the guest's.
boot() { # MACHINE GUEST COMMAND_LINE OPTIONS...
    machine "$1" "$GUESTS/$2.virt" "${@:3}"
    status=0
    output=$(timeout 60 "${command[@]}" -serial stdio </dev/null 2>&1 3>&-) || status=$?
    ((status % 2 == 1)) || fail "$1 $2: QEMU ended with $status, not by the guest: $output"
    status=$((status >> 1))
}

expect() { # STATUS OUTPUT
    [[ $status == "$1" && $output == "$2" ]] || fail "status $status instead of $1, output: $output"
}

@test "the command line reaches the guest byte for byte on each machine" {
    local machine line="a  'b'  \"c\\ "
    for machine in "${machines[@]}"; do
        boot "$machine" arguments "$line"
        expect 0 "[$line]"$'\n'"length ${#line}"
    done
}

@test "devices that a monitor tells of on the command line are none of the guest's words" {
    truncate --size 64K "$TEST_DIR/disk"
    boot microvm,acpi=off arguments "a  b" -drive "id=d,if=none,format=raw,file=$TEST_DIR/disk" \
        -device virtio-blk-device,drive=d
    expect 0 $'[a  b]\nlength 4'
}

@test "a status up to 127 arrives, a larger one as 127" {
    local machine
    for machine in "${machines[@]}"; do
        boot "$machine" exit 0
        expect 0 ''
        boot "$machine" exit 127
        expect 127 ''
        boot "$machine" exit 128
        expect 127 ''
    done
}

@test "a guest that breaks a rule of the processor says so" {
    local machine kind
    for machine in "${machines[@]}"; do
        for kind in read-null write-text write-constants undefined divide; do
            boot "$machine" fault "$kind"
            [[ $status == 127 && $output == "fault $kind"*"exception: "*" at 0x"* ]] ||
                fail "$machine: status $status, output: $output"
        done
    done
}

@test "the guest has the memory and the clocks of each machine" {
    local machine
    for machine in "${machines[@]}"; do
        boot "$machine" memory ''
        [[ $status == 0 && $output == *"touched "*" pages"* ]] || fail "$machine: status $status, output: $output"
        [[ $machine != microvm || $output == "memory size 67108864,"* ]] || fail "$output"
        boot "$machine" clock ''
        [[ $status == 0 && $output == *"clocks are good" ]] || fail "$machine: status $status, output: $output"
    done
}

@test "the console goes both ways" {
    local machine
    for machine in "${machines[@]}"; do
        machine "$machine" "$GUESTS/terminal.virt" ''
        status=0
        output=$(printf '%s\n' one two 'exit 5' | timeout 60 "${command[@]}" -serial stdio 2>&1 3>&-) || status=$?
        [[ $status == 11 && $output == $'ready\n[one]\n[two]' ]] || fail "$machine: status $status, output: $output"
    done
}

@test "disks come in order, with their sectors, and one for reading only refuses to be written" {
    local machine bus
    printf '%-65536s' one >"$TEST_DIR/disk"
    printf '%-131072s' two >"$TEST_DIR/disk1"
    for machine in "${machines[@]}" microvm,acpi=off microvm,acpi=off,auto-kernel-cmdline=off microvm,ioapic2=off; do
        bus=$(bus_of "${machine%%,*}")
        boot "$machine" disks 'size disk size disk1 read disk 0 read disk1 0 write disk 3 7 read disk 3 write disk1 0 1' \
            -drive "id=a,if=none,format=raw,file=$TEST_DIR/disk" -device "virtio-blk-$bus,drive=a" \
            -drive "id=b,if=none,format=raw,file=$TEST_DIR/disk1,readonly=on" \
            -device "virtio-blk-$bus,drive=b,logical_block_size=4096,physical_block_size=4096"
        expect 0 "65536 in sectors of 512
131072 in sectors of 4096
6f6e6520202020202020202020202020
74776f20202020202020202020202020
written
07070707070707070707070707070707
refused"
        [[ $(tail --bytes +1537 "$TEST_DIR/disk" | head --bytes 2) == $'\a\a' ]] || fail "the disk was not written"
    done
}

@test "two networks, each with its address and MTU" {
    need_links
    need_command curl
    local machine bus number holder
    namespace holder
    for number in 0 1; do
        at "$holder" ip tuntap add "tap$number" mode tap
        at "$holder" ip address add "10.0.$number.1/24" dev "tap$number"
        at "$holder" ip link set "tap$number" up
    done
    for machine in "${machines[@]}"; do
        bus=$(bus_of "$machine")
        machine "$machine" "$GUESTS/http2.virt" '--ipv4=10.0.0.2/24 --service1-ipv4=10.0.1.2/24' \
            -netdev tap,id=n0,ifname=tap0,script=no,downscript=no \
            -device "virtio-net-$bus,netdev=n0,mac=02:00:00:00:00:aa" \
            -netdev tap,id=n1,ifname=tap1,script=no,downscript=no \
            -device "virtio-net-$bus,netdev=n1,mac=02:00:00:00:00:bb,host_mtu=1400"
        nsenter --net --target "$holder" -- "${command[@]}" -serial "file:$TEST_DIR/console" </dev/null 3>&- &
        local pid=$!
        remember_pid "$pid"
        eventually at "$holder" curl --silent --max-time 1 --output "$TEST_DIR/page" http://10.0.0.2:8080/mac
        at "$holder" curl --silent --max-time 5 http://10.0.1.2:8080/mtu >>"$TEST_DIR/page"
        [[ $(<"$TEST_DIR/page") == "service 02:00:00:00:00:aa
service1 02:00:00:00:00:bb
service 1500
service1 1400" ]] || fail "$machine: $(<"$TEST_DIR/page")"
        at "$holder" curl --silent --max-time 10 http://10.0.1.2:8080/bytes/300000 | sha256sum >"$TEST_DIR/sum"
        python3 -c 'import sys; sys.stdout.buffer.write(bytes(i % 251 for i in range(300000)))' | sha256sum |
            cmp - "$TEST_DIR/sum" || fail "$machine: the bytes are other ones"
        at "$holder" curl --silent --max-time 5 http://10.0.0.2:8080/exit/5 >"$TEST_DIR/page"
        status=0
        wait "$pid" || status=$?
        ((status == 11)) || fail "$machine: QEMU ended with $status"
    done
}


@test "the power button and Ctrl-Alt-Del ask the guest to end" {
    local case machine word
    for case in microvm:system_powerdown q35:system_powerdown pc:system_powerdown q35:'sendkey ctrl-alt-delete'; do
        machine=${case%%:*} word=${case#*:}
        rm -f "$TEST_DIR/console"
        machine "$machine" "$GUESTS/graceful.virt" 9
        mkfifo "$TEST_DIR/monitor"
        timeout 60 "${command[@]}" -serial "file:$TEST_DIR/console" -monitor stdio <"$TEST_DIR/monitor" \
            >"$TEST_DIR/log" 2>&1 3>&- &
        local pid=$!
        exec 5>"$TEST_DIR/monitor"
        eventually grep -qs '^waiting' "$TEST_DIR/console"
        echo "$word" >&5
        status=0
        wait "$pid" || status=$?
        exec 5>&-
        rm "$TEST_DIR/monitor"
        [[ $status == 19 && $(<"$TEST_DIR/console") == $'waiting\nasked to end' ]] ||
            fail "$case: status $status, output: $(<"$TEST_DIR/console")"
    done
}

@test "a Linux guest says what it was given and ends with a status" {
    [[ ! ${NO_ENGINES-} ]] || skip "$NO_ENGINES"
    local made=0 frequency
    "$repository/Hack/linux-guest" "$TEST_DIR/linux" >"$TEST_DIR/log" 2>&1 || made=$?
    ((made != 77)) || skip "$(tail -n 1 "$TEST_DIR/log")"
    ((made == 0)) || fail "$(<"$TEST_DIR/log")"
    frequency=$(awk '/^cpu MHz/ { printf "%d", $4 * 1000; exit }' /proc/cpuinfo)
    printf '%-65536s\n' first >"$TEST_DIR/disk"
    local machine
    for machine in q35 microvm; do
        machine "$machine" "$TEST_DIR/linux/vmlinuz" \
            "console=ttyS0 panic=-1 quiet tsc_early_khz=$frequency A=b -- write vda second read vda exit 7" \
            -initrd "$TEST_DIR/linux/initrd" -m 256 \
            -drive "id=d,if=none,format=raw,file=$TEST_DIR/disk" -device "virtio-blk-$(bus_of "$machine"),drive=d"
        status=0
        output=$(timeout 120 "${command[@]}" -serial stdio </dev/null 2>&1 3>&-) || status=$?
        [[ $status == 15 && $output == *$'\nargument [write]\n'*$'\nenvironment A=b\n'*$'\nwritten\nsecond'* ]] ||
            fail "$machine: status $status, output: $output"
    done
}
