# The limits of a container that runs: which of them change, in which order, and what is refused. On cgroup version 1; the
# values for version 2 are in CgroupUpdateTests.

load helpers

setup() {
    prepare
    [[ -d /sys/fs/cgroup/memory ]] || skip "needs cgroup version 1"
    MiB=$((1024 * 1024))
}

# A running container with limits to begin with.
start_limited() {
    bundle sleep 1000
    edit '.linux.resources += {
        memory: {limit: 33554432, reservation: 25165824}, cpu: {shares: 100, quota: 500000, period: 1000000},
        pids: {limit: 20}
    } | .linux.cgroupsPath = $path' --arg path "/swiftlet-tests/$ID"
    create
    ok start "$ID"
}

value() { # CONTROLLER FILE
    cat "/sys/fs/cgroup/$1/swiftlet-tests/$ID/$2"
}

holds() { # CONTROLLER FILE VALUE
    equal "$(value "$1" "$2")" "$3" "$2"
}

@test "one limit changes, the others stay" {
    start_limited
    ok update --memory 64M "$ID"
    equal "$output$stderr" '' output
    holds memory memory.limit_in_bytes $((64 * MiB))
    holds memory memory.soft_limit_in_bytes 25165824
    holds cpu cpu.shares 100
    holds pids pids.max 20
    ok update "$ID" --memory-reservation 33554432
    holds memory memory.soft_limit_in_bytes 33554432
    ok update --cpu-share 200 "$ID"
    holds cpu cpu.shares 200
    holds cpu cpu.cfs_quota_us 500000
    ok update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
    holds cpuset cpuset.cpus 0
}

@test "idle and burst" {
    need_swiftlet # runc 1.1 has neither
    start_limited
    ok update --cpu-idle 1 "$ID"
    holds cpu cpu.idle 1
    ok update --cpu-idle 0 "$ID"
    holds cpu cpu.idle 0
    ok update --cpu-burst 1000 "$ID"
    holds cpu cpu.cfs_burst_us 1000
    ok update --memory 100M "$ID"
    holds cpu cpu.cfs_burst_us 1000
    ok update --cpu-burst 0 "$ID"
    holds cpu cpu.cfs_burst_us 0
    # Above the present quota, but not above the new one.
    ok update --cpu-quota 10000 "$ID"
    ok update --cpu-burst 15000 --cpu-quota 20000 "$ID"
    holds cpu cpu.cfs_burst_us 15000
}

@test "period and quota, alone and together" {
    start_limited
    ok update --cpu-period 900000 "$ID"
    holds cpu cpu.cfs_period_us 900000
    holds cpu cpu.cfs_quota_us 500000
    ok update --cpu-quota 600000 "$ID"
    holds cpu cpu.cfs_quota_us 600000
    ok update --cpu-quota -1 "$ID"
    holds cpu cpu.cfs_quota_us -1
    # A parent at half a processor refuses a new period before the new quota is there.
    echo 50000 >/sys/fs/cgroup/cpu/swiftlet-tests/cpu.cfs_quota_us
    ok update --cpu-quota 30000 --cpu-period 100000 "$ID"
    ok update --cpu-period 10000 --cpu-quota 3000 "$ID"
    holds cpu cpu.cfs_period_us 10000
    holds cpu cpu.cfs_quota_us 3000
    echo -1 >/sys/fs/cgroup/cpu/swiftlet-tests/cpu.cfs_quota_us
}

@test "memory and swap go up and down in whichever order the kernel takes" {
    [[ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ]] || skip "the kernel does not count swap"
    start_limited
    local limits
    for limits in '32 64' '128 256' '16 32' '512 512' '20 20' '100 300'; do
        ok update --memory "${limits% *}M" --memory-swap "${limits#* }M" "$ID"
        holds memory memory.limit_in_bytes $((${limits% *} * MiB))
        holds memory memory.memsw.limit_in_bytes $((${limits#* } * MiB))
    done
    ok update --memory-swap 200M "$ID"
    holds memory memory.memsw.limit_in_bytes $((200 * MiB))
    local none
    none=$(cat /sys/fs/cgroup/memory/swiftlet-tests/memory.limit_in_bytes)
    ok update --memory-swap -1 "$ID"
    holds memory memory.memsw.limit_in_bytes "$none"
    # No limit on memory means none on both.
    ok update --memory 100M --memory-swap 100M "$ID"
    ok update --memory -1 "$ID"
    holds memory memory.limit_in_bytes "$none"
    holds memory memory.memsw.limit_in_bytes "$none"
}

@test "a memory limit above that of memory and swap is refused with the reason" {
    need_swiftlet # runc has the kernel's "invalid argument" only
    [[ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ]] || skip "the kernel does not count swap"
    start_limited
    ok update --memory 32M --memory-swap 64M "$ID"
    refused "unable to set memory limit to 104857600, above the limit of 67108864 on memory and swap" \
        update --memory 100M "$ID"
    holds memory memory.limit_in_bytes $((32 * MiB))
}

@test "a memory limit below what is in use is refused" {
    bundle sh -c 'mkdir -p /m; dd if=/dev/zero of=/dev/shm/held bs=1M count=24 2>/dev/null; echo up; exec sleep 1000'
    edit '.linux.resources.memory = {limit: 67108864, swap: 67108864} | .linux.cgroupsPath = $path' \
        --arg path "/swiftlet-tests/$ID"
    create
    ok start "$ID"
    eventually prints up
    if (($(sed -n 's/SwapTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) > 0)); then skip "the host could swap it out"; fi
    refused 'unable to set memory limit to 8388608 \(current usage: [0-9]+, peak usage: [0-9]+\)' \
        update --memory 8M "$ID"
    holds memory memory.limit_in_bytes $((64 * MiB))
    has_status running
}

@test "when one limit cannot be set, none has changed" {
    need_swiftlet # runc leaves those that it set before
    start_limited
    refused 'cpuset.cpus' update --memory 64M --pids-limit 50 --cpu-share 500 --cpuset-cpus 4000 "$ID"
    holds memory memory.limit_in_bytes 33554432
    holds pids pids.max 20
    holds cpu cpu.shares 100
}

@test "the number of processes" {
    start_limited
    ok update --pids-limit 12345 "$ID"
    holds pids pids.max 12345
    ok update --pids-limit -1 "$ID"
    holds pids pids.max max
    ok update --pids-limit=10 "$ID"
    holds pids pids.max 10
}

@test "resources from a file and from standard input" {
    start_limited
    echo '{"memory": {"limit": 50331648}, "cpu": {"shares": 300, "quota": 400000, "cpus": "0"}, "pids": {"limit": 30}}' \
        >"$TEST_DIR/resources.json"
    ok update --resources "$TEST_DIR/resources.json" "$ID"
    holds memory memory.limit_in_bytes 50331648
    holds cpu cpu.shares 300
    holds cpu cpu.cfs_quota_us 400000
    holds cpu cpu.cfs_period_us 1000000
    holds cpuset cpuset.cpus 0
    holds pids pids.max 30
    # As docker sends it: zeroes and empty words are no limits, and rules about devices stay as they are.
    echo '{"devices": null, "memory": {"limit": 67108864, "reservation": 0, "swap": 0}, "blockIO": {"weight": 0},
        "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}}' |
        "$RUNTIME" --root "$ROOT" update -r - "$ID" 3>&- || fail "update from standard input"
    holds memory memory.limit_in_bytes 67108864
    holds cpu cpu.shares 300
    holds pids pids.max 30
    # Other options are ignored then, like by runc.
    ok update --resources "$TEST_DIR/resources.json" --pids-limit 7 "$ID"
    holds pids pids.max 30
}

@test "values that are none are refused, and what has no container" {
    start_limited
    refused 'container does not exist' update --memory 64M "$PREFIX-none"
    refused 'invalid value for memory' update --memory lots "$ID"
    refused 'invalid value for memory-swap' update --memory-swap 1X "$ID"
    refused 'invalid value for cpu-share' update --cpu-share many "$ID"
    refused 'invalid value for cpu-quota' update --cpu-quota 1.5 "$ID"
    refused 'no such file' update --resources "$TEST_DIR/none" "$ID"
    echo '{"memory": {' >"$TEST_DIR/broken"
    refused . update --resources "$TEST_DIR/broken" "$ID"
    refused 'l3 cache schema is not enabled' update --l3-cache-schema L3:0=f "$ID"
    refused 'memory bandwidth schema is not enabled' update --mem-bw-schema MB:0=20 "$ID"
    holds memory memory.limit_in_bytes 33554432
    ok kill "$ID" KILL
    eventually has_status stopped
    refused 'container not running' update --memory 64M "$ID"
}

@test "errors in resources name the property" {
    need_swiftlet # runc has Go's words
    start_limited
    echo '{"memory": {"limit": "much"}}' >"$TEST_DIR/wrong"
    refused '/memory/limit: expected a number, found a string' update --resources "$TEST_DIR/wrong" "$ID"
    echo '{"unified": {"memory.high": "1"}}' >"$TEST_DIR/wrong"
    refused 'unified' update --resources "$TEST_DIR/wrong" "$ID"
}

@test "limits on kernel memory are ignored with a warning" {
    start_limited
    ok update --kernel-memory 64M "$ID"
    grep -q 'Kernel memory settings are ignored and will be removed' "$TEST_DIR/log" || fail "no warning"
}

@test "a config.json with limits on kernel memory: a warning" {
    need_swiftlet # runc 1.1 warns in update only
    bundle true
    edit '.linux.resources.memory = {kernel: 1000000, kernelTCP: 1000000, useHierarchy: false}'
    run_container
    expect_success
    grep -q 'Kernel memory settings are ignored' "$TEST_DIR/log" || fail "no warning about kernel memory"
    grep -q '/linux/resources/memory/useHierarchy has no effect' "$TEST_DIR/log" || fail "no warning about useHierarchy"
}

@test "created and paused containers are updated too" {
    bundle sleep 1000
    edit '.linux.resources.pids.limit = 20 | .linux.cgroupsPath = $path' --arg path "/swiftlet-tests/$ID"
    create
    ok update --pids-limit 30 "$ID"
    holds pids pids.max 30
    ok start "$ID"
    ok pause "$ID"
    ok update --pids-limit 40 "$ID"
    holds pids pids.max 40
    has_status paused
    ok resume "$ID"
}

@test "devices stay as they are" {
    start_limited
    local before
    before=$(value devices devices.list)
    ok update --memory 64M "$ID"
    holds devices devices.list "$before"
}

@test "a guest's limits change, but its memory cannot be taken away" {
    need_guests spt
    guest_bundle spt sleep
    edit '.linux.cgroupsPath = $path' --arg path "/swiftlet-tests/$ID"
    create
    ok start "$ID"
    eventually prints sleeping
    ok update --memory 64M --cpu-share 200 --pids-limit 10 "$ID"
    holds memory memory.limit_in_bytes $((64 * MiB))
    holds cpu cpu.shares 200
    holds pids pids.max 10
    refused "cannot set the memory limit of container $ID to 8388608: its guest was started with [0-9]+ MiB" \
        update --memory 8M "$ID"
    holds memory memory.limit_in_bytes $((64 * MiB))
    has_status running
    # Nor what its monitor needs beside it: the guest's own size is too little, what it was planned for is not.
    refused "started with 28 MiB, which cannot be taken from it, and with its monitor needs 32 MiB" \
        update --memory 28M "$ID"
    refused "needs 32 MiB" update --memory $((32 * MiB - 1)) "$ID"
    ok update --memory 32M "$ID"
    holds memory memory.limit_in_bytes $((32 * MiB))
    has_status running
}
