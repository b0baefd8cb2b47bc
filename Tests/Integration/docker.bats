# docker with the runtime in the place of runc. All tests share one dockerd, which runs in a lab of its own; each removes
# its containers. They pass with RUNTIME=/usr/sbin/runc, and that is what each of them is about: docker's users see no
# difference.

load helpers
load engines/lab

setup_file() {
    lab_needs dockerd docker containerd curl || return 0
    lab_up /var/lib/docker /var/lib/containerd
    # What is tried is the example, and what it is made by.
    sed "s|/usr/local/bin/swiftlet|$RUNTIME|" "$repository/Specs/examples/daemon.json" >"$LAB/daemon.json"
    if is_swiftlet; then
        rm "$LAB/daemon.json"
        "$RUNTIME" install-engine docker --config "$LAB/daemon.json" --runtime-path "$RUNTIME" >/dev/null
    fi
    lab_daemon dockerd dockerd --config-file "$LAB/daemon.json" --default-runtime swiftlet --storage-driver overlay2 \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$LAB_NAME"
    lab_busybox_image busybox --arg sh
    lab_waits_for dockerd docker version
    in_lab docker load --quiet --input "$LAB/busybox.tar"
    if is_swiftlet && [[ -e $GUESTS/hello.spt ]]; then
        local guest
        for guest in hello exit sleep blockdev; do
            lab_guest_image "$guest"
            in_lab docker load --quiet --input "$LAB/$guest.tar"
        done
        if has_http_guest; then
            lab_http_image
            in_lab docker load --quiet --input "$LAB/http.tar"
        fi
    fi
    lab_machine_images docker load --quiet --input
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

# Each test removes its containers and networks here; nothing of the runtime may be left.
teardown() {
    [[ ${TEST_DIR-} ]] || return 0
    local left
    left=$(in_lab docker ps --all --quiet)
    # shellcheck disable=SC2086
    [[ ! $left ]] || in_lab docker rm --force --volumes $left >/dev/null
    left=$(in_lab docker network ls --quiet --filter type=custom)
    # shellcheck disable=SC2086
    [[ ! $left ]] || in_lab docker network rm $left >/dev/null
    lab_left_nothing /run/docker -path '*/runtime-*/moby/*'
    clean_up
}

image=localhost/test/busybox
at_terminal=$BATS_TEST_DIRNAME/engines/at_terminal.py
# Most tests have no use for a network, which costs docker a third of a second.
run=(docker run --network none)

# Runs a container to its end.
once() { # ARGS...
    call "${run[@]}" --rm "$@"
}

# Starts a container that lives on, and removes itself with the others.
started() { # NAME ARGS...
    local name=$1
    shift
    works "${run[@]}" --detach --name "$name" "$@"
    [[ $output =~ ^[0-9a-f]{64}$ ]] || fail "expected the container's id"
}

inspected() { # NAME FORMAT
    in_lab docker inspect --format "$2" "$1"
}

is() { # EXPECTED NAME FORMAT
    equal "$(inspected "$2" "$3")" "$1" "$3"
}

# The same until it is so.
becomes() { # EXPECTED NAME FORMAT
    eventually shows "$1" docker inspect --format "$3" "$2" || {
        is "$@"
    }
}

# The error messages, without what docker's client says or not, as it happens, and without the runtime's name.
without_noise() { # TEXT
    sed -E -e '/error waiting for container: context canceled/d' \
        -e 's/(runc|swiftlet) create failed: (unable to start container process: )?//' <<<"$1"
}

# Does the same with runc and with the tested runtime, and expects the same status and the same words.
same_as_runc() { # ARGS...
    local runc_status runc_output runc_stderr
    call docker run --rm --network none --runtime runc "$@"
    runc_status=$status runc_output=$output runc_stderr=$(without_noise "$stderr")
    once "$@"
    equal "$status" "$runc_status" "status (runc said: $runc_stderr)"
    equal "$output" "$runc_output" output
    equal "$(without_noise "$stderr")" "$runc_stderr" 'standard error'
}

# --- running

@test "docker run: output, error output, input and exit status" {
    once "$image" sh -c 'echo to output; echo to errors >&2; exit 7'
    expect_status 7
    expect_output 'to output'
    equal "$stderr" 'to errors' 'standard error'
    once "$image" true
    expect_status 0
    expect_output ''
    echo 'from stdin' >"$TEST_DIR/input"
    input=$TEST_DIR/input once --interactive "$image" cat
    expect_output 'from stdin'
    # More than a pipe holds.
    once "$image" sh -c 'yes 1234567 | head -c 1048576'
    equal "${#output}" $((1048576 - 1)) 'length of the output'
}

@test "docker run: 125, 126 and 127, in runc's words" {
    ends_with 127 "${run[@]}" --rm "$image" nosuch
    equal "$(grep -c 'exec: "nosuch": executable file not found in \$PATH' "$TEST_DIR/err")" 1 "$stderr"
    same_as_runc "$image" nosuch
    equal "$status" 127
    same_as_runc "$image" /nosuch
    equal "$status" 127
    same_as_runc "$image" /etc
    equal "$status" 126
    same_as_runc "$image" /etc/passwd
    equal "$status" 126
    same_as_runc --entrypoint '' "$image" ./nosuch
    equal "$status" 127
    same_as_runc --user nosuch "$image" true
    equal "$status" 125
    same_as_runc --workdir /etc/passwd "$image" true
}

@test "docker run: a program that cannot be executed after all" {
    printf '#!/nosuch\n' >"$TEST_DIR/script"
    chmod +x "$TEST_DIR/script"
    once --volume "$TEST_DIR/script:/script" "$image" /script
    expect_error 'exec /script: no such file or directory'
    # With runc `docker start` succeeds and the container says it; with swiftlet `docker start` fails.
    if is_swiftlet; then expect_status 127; else expect_status 1; fi
    works docker ps --all --quiet
    expect_output ''
}

@test "docker run: environment, working directory, user, host name" {
    once --env ONE=1 --env 'TWO=two words' "$image" sh -c 'echo "$ONE $TWO $HOME $PATH"'
    expect_output '1 two words /root /usr/bin:/bin'
    once --workdir /made/for/it "$image" pwd
    expect_output /made/for/it
    once --hostname somebody "$image" hostname
    expect_output somebody
    once --user 1234:5678 --group-add 99 "$image" sh -c 'id -u; id -g; id -G'
    expect_output $'1234\n5678\n5678 99'
    once --user root "$image" id -u
    expect_output 0
    once --entrypoint /bin/echo "$image" as told
    expect_output 'as told'
    once --add-host other:10.1.2.3 "$image" grep other /etc/hosts
    expect_output $'10.1.2.3\tother'
}

@test "docker run --init" {
    # The shell leaves an orphan, which ends later: only a process 1 that reaps gets rid of it.
    once --init "$image" sh -c '(sleep 0.1 & ) ; sleep 0.5; ps -o comm,stat | grep -c Z; cat /proc/1/comm'
    expect_output $'0\ndocker-init'
    once --init "$image" sh -c 'exit 9'
    expect_status 9
}

@test "docker run --tty" {
    call docker run --rm --network none --tty "$image" sh -c 'test -t 0 && test -t 1 && tty && stty size'
    expect_success
    matches "$output" '^/dev/(pts/0|console)' terminal
    call "$at_terminal" size:33x77 wait:ready 'send:stty size\r' 'wait:33 77' size:44x88 \
        'send:sleep 0.5; stty size\r' 'wait:44 88' 'send:exit 5\r' \
        -- docker run --rm --network none --interactive --tty "$image" sh -c 'sleep 0.5; echo ready; exec sh'
    expect_status 5
}

@test "docker attach and detach" {
    started one --interactive --tty "$image" sh
    call "$at_terminal" 'send:echo $((40 + 2))\r' wait:42 'send:\x10\x11' -- docker attach one
    expect_contains 'read escape sequence'
    is running one '{{.State.Status}}'
    call "$at_terminal" 'send:\r' 'send:exit 3\r' -- docker attach one
    expect_status 3
    is 3 one '{{.State.ExitCode}}'
}

@test "docker logs" {
    started one "$image" sh -c 'for n in 1 2 3; do echo "line $n"; done; echo error >&2; sleep 100'
    eventually mentions error docker logs one
    eventually mentions 'line 3' docker logs one
    works docker logs one
    expect_output $'line 1\nline 2\nline 3'
    equal "$stderr" error
    # Output and errors come by two pipes: which of them is the last is nobody's promise.
    works sh -c 'docker logs --tail 2 one 2>&1 | wc -l'
    expect_output 2
    # --follow ends with the container.
    in_lab docker logs --follow one >"$TEST_DIR/follow" 2>&1 3>&- &
    works docker kill one
    wait $!
    grep -q 'line 3' "$TEST_DIR/follow"
}

# --- ending

@test "docker stop: TERM is handled" {
    started one "$image" sh -c 'trap "echo leaving; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
    eventually shows ready docker logs one
    works docker stop --time 20 one
    is 3 one '{{.State.ExitCode}}'
    prints_just $'ready\nleaving' docker logs one
}

@test "docker stop: KILL after the grace period" {
    started one "$image" sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    eventually shows ready docker logs one
    works docker stop --time 1 one
    is '137 exited' one '{{.State.ExitCode}} {{.State.Status}}'
}

@test "docker kill" {
    started one "$image" sh -c 'trap "echo got it" USR1; echo ready; while :; do sleep 0.1; done'
    eventually shows ready docker logs one
    works docker kill --signal USR1 one
    eventually shows $'ready\ngot it' docker logs one
    is running one '{{.State.Status}}'
    works docker kill one
    becomes '137 exited' one '{{.State.ExitCode}} {{.State.Status}}'
    call docker kill one
    expect_status 1
    expect_error 'is not running'
}

@test "docker wait, docker rm of a running container" {
    started one "$image" sh -c 'sleep 0.5; exit 4'
    prints_just 4 docker wait one
    works docker rm one
    started two "$image" sleep 100
    call docker rm two
    expect_status 1
    expect_error 'You cannot remove a running container|container is running'
    prints_just two docker rm --force two
    prints_just '' docker ps --all --quiet
}

@test "docker restart, start and the restart policy" {
    started one "$image" sh -c 'echo once more; sleep 100'
    eventually shows 'once more' docker logs one
    works docker restart --time 0 one
    eventually shows $'once more\nonce more' docker logs one
    is running one '{{.State.Status}}'
    works docker stop --time 0 one
    works docker start one
    eventually shows $'once more\nonce more\nonce more' docker logs one
    started two --restart on-failure:2 "$image" sh -c 'echo failing; exit 1'
    becomes '2 exited 1' two '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}'
    prints_just $'failing\nfailing\nfailing' docker logs two
    # A container that ended well stays down.
    started three --restart on-failure:2 "$image" true
    becomes '0 exited 0' three '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}'
}

@test "docker create, rename, start --attach, ps" {
    works docker create --network none --name one "$image" sh -c 'echo started; exit 6'
    is created one '{{.State.Status}}'
    works docker rename one uno
    ends_with 6 docker start --attach uno
    expect_output started
    works docker ps --all --format '{{.Names}} {{.Status}}'
    matches "$output" '^uno Exited \(6\) '
}

# --- running containers

@test "docker pause and unpause" {
    need_verb pause
    started one "$image" sh -c 'n=0; while :; do n=$((n + 1)); echo $n >/count; sleep 0.01; done'
    local root first
    root=$(inspected one '{{.GraphDriver.Data.MergedDir}}')
    eventually in_lab test -s "$root/count"
    works docker pause one
    is 'paused true' one '{{.State.Status}} {{.State.Paused}}'
    first=$(in_lab cat "$root/count")
    sleep 0.3
    equal "$(in_lab cat "$root/count")" "$first" 'the counter of a paused container'
    call docker pause one
    expect_status 1
    expect_error 'already paused'
    works docker unpause one
    is 'running false' one '{{.State.Status}} {{.State.Paused}}'
    eventually in_lab sh -c "[ \"\$(cat $root/count)\" != '$first' ]"
    # A paused container can be ended.
    works docker pause one
    works docker rm --force one
}

@test "docker update" {
    need_verb update
    started one --memory 64m --pids-limit 50 "$image" sleep 100
    local id cgroup
    id=$(inspected one '{{.Id}}')
    cgroup() { cat "/sys/fs/cgroup/$1/$LAB_NAME/$id/$2"; }
    equal "$(cgroup memory memory.limit_in_bytes)" 67108864
    works docker update --memory 48m --memory-swap 96m --cpus 0.5 --cpu-shares 512 --pids-limit 33 --cpuset-cpus 0 one
    equal "$(cgroup memory memory.limit_in_bytes)" 50331648 memory
    equal "$(cgroup cpu cpu.cfs_quota_us) $(cgroup cpu cpu.cfs_period_us)" '50000 100000' 'cpu quota and period'
    equal "$(cgroup cpu cpu.shares)" 512 'cpu shares'
    equal "$(cgroup pids pids.max)" 33 pids
    equal "$(cgroup cpuset cpuset.cpus)" 0 cpus
    is running one '{{.State.Status}}'
}

@test "docker stats" {
    started one --memory 64m "$image" sh -c 'head -c 10485760 /dev/zero >/dev/shm/file; echo ready; while :; do :; done'
    eventually shows ready docker logs one
    works docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}} {{.CPUPerc}}' one
    matches "$output" '^one 1 1[0-9](\.[0-9]+)?MiB / 64MiB [1-9][0-9]*\.[0-9]+%$'
}

@test "docker exec" {
    need_verb exec
    started one --env OF=container --user 7:8 --workdir /tmp --hostname somebody "$image" sleep 100
    prints_just 'some words' docker exec one echo some words
    ends_with 9 docker exec one sh -c 'exit 9'
    call docker exec one sh -c 'echo to output; echo to errors >&2'
    expect_output 'to output'
    equal "$stderr" 'to errors'
    prints_just '7 8 /tmp somebody' docker exec one sh -c 'echo $(id -u) $(id -g) $(pwd) $(hostname)'
    prints_just '0 0 /root' docker exec --user 0:0 --workdir /root one sh -c 'echo $(id -u) $(id -g) $(pwd)'
    prints_just '0' docker exec --user root one id -u
    prints_just 'container exec' docker exec --env WITH=exec one sh -c 'echo $OF $WITH'
    echo 'from stdin' >"$TEST_DIR/input"
    input=$TEST_DIR/input prints_just 'from stdin' docker exec --interactive one cat
    # In the container's namespaces and cgroup.
    local pid namespace
    pid=$(inspected one '{{.State.Pid}}')
    for namespace in cgroup ipc mnt net pid uts; do
        prints_just "$(in_lab readlink "/proc/$pid/ns/$namespace")" docker exec one readlink "/proc/self/ns/$namespace"
    done
    prints_just "$(in_lab cat "/proc/$pid/cgroup")" docker exec one cat /proc/self/cgroup
    works docker exec --detach --user 0 one sh -c 'echo detached >/tmp/file; sleep 100'
    eventually shows detached docker exec one cat /tmp/file
    works docker kill one
    call docker exec one true
    expect_status 1
    expect_error 'is not running'
}

@test "docker exec: 126 and 127, in runc's words" {
    need_verb exec
    started one "$image" sleep 100
    works docker run --detach --network none --runtime runc --name reference "$image" sleep 100
    local program reference
    for program in nosuch /nosuch /etc /etc/passwd; do
        call docker exec reference "$program"
        reference="$status $output $stderr"
        call docker exec one "$program"
        equal "$status $output $stderr" "$reference" "exec of $program"
    done
    call docker exec --user nosuch reference true
    reference="$status $stderr"
    call docker exec --user nosuch one true
    equal "$status $stderr" "$reference" 'exec as nobody known'
    call docker exec --workdir /nosuch reference true
    reference="$status $output $stderr"
    call docker exec --workdir /nosuch one true
    equal "$status $output $stderr" "$reference" 'exec in no directory'
}

@test "docker exec --tty" {
    need_verb exec
    started one "$image" sleep 100
    call "$at_terminal" size:31x71 'wait:# ' 'send:sleep 0.5; stty size\r' 'wait:31 71' size:41x81 \
        'send:sleep 0.5; stty size\r' 'wait:41 81' 'send:exit 8\r' -- docker exec --interactive --tty one sh
    expect_status 8
    # Ends with the container.
    call "$at_terminal" 'wait:# ' 'send:kill 1; kill -9 1\r' -- \
        timeout 20 docker exec --interactive --tty --privileged one sh
    works docker rm --force one
}

@test "docker exec keeps to the container's rights" {
    need_verb exec
    started one --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges --read-only "$image" sleep 100
    works docker exec one grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/1/status
    local of_process_1=$output
    prints_just "$of_process_1" docker exec one grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
    ends_with 1 docker exec one touch /file
}

@test "docker run with a health check" {
    need_verb exec
    started one --health-cmd 'test -e /tmp/well' --health-interval 300ms --health-retries 2 "$image" \
        sh -c 'touch /tmp/well; sleep 100'
    becomes healthy one '{{.State.Health.Status}}'
    works docker exec one rm /tmp/well
    becomes unhealthy one '{{.State.Health.Status}}'
}

@test "docker top" {
    need_verb ps
    started one "$image" sh -c 'sleep 111 & sleep 222; true'
    eventually mentions 'sleep 111' docker top one
    works docker top one -eo pid,args
    expect_contains 'sleep 222'
    equal "$(wc -l <<<"$output")" 4 'lines of docker top'
}

@test "docker cp, diff, commit, export" {
    started one "$image" sh -c 'echo inside >/file; sleep 100'
    eventually in_lab docker cp one:/file - >/dev/null
    echo outside >"$TEST_DIR/file"
    works docker cp "$TEST_DIR/file" one:/from-outside
    works docker cp one:/file "$TEST_DIR/from-inside"
    equal "$(<"$TEST_DIR/from-inside")" inside
    works docker diff one
    equal "$(sort <<<"$output")" $'A /file\nA /from-outside' 'docker diff'
    works docker commit --change 'ENV ADDED=later' one test/committed
    once test/committed sh -c 'cat /file /from-outside; echo $ADDED'
    expect_output $'inside\noutside\nlater'
    works sh -c 'docker export one | tar --list | grep -c from-outside'
    expect_output 1
    works docker rmi --force test/committed
}

@test "docker build" {
    mkdir "$TEST_DIR/context"
    cat >"$TEST_DIR/context/Dockerfile" <<DOCKERFILE
FROM $image
RUN echo made by RUN >/made && echo somebody:x:42:42::/: >>/etc/passwd
USER somebody
CMD ["sh", "-c", "cat /made; id -u"]
DOCKERFILE
    works env DOCKER_BUILDKIT=0 docker build --network none --quiet --tag test/built "$TEST_DIR/context"
    once test/built
    expect_output $'made by RUN\n42'
    works docker rmi --force test/built
}

# --- what a container may and has

@test "docker run with volumes and tmpfs" {
    mkdir "$TEST_DIR/shared" "$TEST_DIR/fixed"
    echo 'from the host' >"$TEST_DIR/shared/file"
    echo fixed >"$TEST_DIR/fixed/file"
    works docker volume create --name "$PREFIX"
    once --volume "$TEST_DIR/shared:/shared" --volume "$TEST_DIR/fixed:/fixed:ro" --volume "$PREFIX:/volume" \
        --tmpfs /scratch:size=1m,mode=1770,noexec --mount "type=bind,source=$TEST_DIR/shared/file,target=/one/file" \
        --mount type=tmpfs,destination=/other,tmpfs-size=65536 "$image" sh -c '
            cat /shared/file /one/file /fixed/file
            echo changed >/shared/file; cat /one/file
            echo kept >/volume/file
            echo no >/fixed/file || echo read-only
            df -k /scratch /other | tail -n 2 | awk "{ print \$2 }"
            stat -c %a /scratch
            grep -c " /scratch .*noexec" /proc/self/mountinfo'
    expect_output $'from the host\nfrom the host\nfixed\nchanged\nread-only\n1024\n64\n1770\n1'
    equal "$(<"$TEST_DIR/shared/file")" changed
    once --volume "$PREFIX:/again:ro" "$image" cat /again/file
    expect_output kept
    works docker volume rm "$PREFIX"
}

@test "docker run: mounts of the host appear where they are to" {
    local propagation
    for propagation in rslave rprivate; do
        mkdir -p "$TEST_DIR/$propagation/inner"
        started "$propagation" --volume "$TEST_DIR/$propagation:/outer:$propagation" "$image" sleep 100
    done
    for propagation in rslave rprivate; do
        in_lab mount -t tmpfs tmpfs "$TEST_DIR/$propagation/inner"
        in_lab touch "$TEST_DIR/$propagation/inner/later"
        local root
        root=/proc/$(inspected "$propagation" '{{.State.Pid}}')/root
        if [[ $propagation == rslave ]]; then
            in_lab test -e "$root/outer/inner/later" || fail 'the mount does not appear'
        else
            in_lab test ! -e "$root/outer/inner/later" || fail 'the mount appears'
        fi
        in_lab umount "$TEST_DIR/$propagation/inner"
    done
}

@test "docker run --read-only" {
    once --read-only --tmpfs /tmp "$image" sh -c 'touch /file || echo no; touch /tmp/file && echo yes; touch /dev/shm/file'
    expect_success
    expect_output $'no\nyes'
}

# Lines of /proc/self/status of a container with these options.
status_with() { # OPTIONS...
    once "$@" "$image" grep -E '^(CapPrm|CapEff|CapBnd|CapInh|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
    expect_success
}

@test "docker run: capabilities, no-new-privileges, seccomp" {
    local options expected
    for options in '' '--cap-drop ALL' '--cap-drop ALL --cap-add NET_ADMIN --cap-add CHOWN' '--cap-add SYS_PTRACE' \
        '--security-opt no-new-privileges' '--security-opt seccomp=unconfined' '--user 1000' '--init'; do
        # shellcheck disable=SC2086
        works docker run --rm --network none --runtime runc $options "$image" \
            grep -E '^(CapPrm|CapEff|CapBnd|CapInh|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
        expected=$output
        # shellcheck disable=SC2086
        status_with $options
        equal "$output" "$expected" "status with '$options'"
    done
    status_with --cap-drop ALL --cap-add NET_ADMIN --security-opt no-new-privileges
    expect_contains $'CapEff:\t0000000000001000'
    expect_contains $'NoNewPrivs:\t1'
    expect_contains $'Seccomp:\t2'
}

@test "docker run: the default seccomp profile and one's own" {
    once "$image" unshare --user true
    ((status != 0)) || fail 'unshare is allowed'
    once --security-opt seccomp=unconfined "$image" unshare --user true
    expect_success
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": [
        {"names": ["fchmodat", "chmod"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4}]}' >"$TEST_DIR/profile.json"
    once --security-opt "seccomp=$TEST_DIR/profile.json" "$image" sh -c 'touch /file; chmod 600 /file'
    expect_status 1
    expect_error 'Interrupted system call'
}

@test "docker run --privileged" {
    # Where root has not all capabilities, docker asks for more than there are: then it fails with runc as well.
    works docker run --rm --network none --runtime runc "$image" true
    call docker run --rm --network none --runtime runc --privileged "$image" grep CapEff /proc/self/status
    local expected_status=$status expected=$output
    once --privileged "$image" grep CapEff /proc/self/status
    equal "$status" "$expected_status" status
    equal "$output" "$expected" output
}

@test "docker run: masked and read-only paths, devices" {
    local expected script='
        ls /dev | sort; ls -l /dev/null /dev/mine | cut -d " " -f 1,3-
        for file in kcore keys timer_list; do head -c 1 /proc/$file | wc -c; done
        for file in sys bus irq; do touch /proc/$file/x 2>&1; done; ls /sys/firmware
        # runc leaves the directory of the cgroup hierarchies writable, in which nothing but a directory can be made.
        grep -v -E "overlay|swiftlet-test| /sys/fs/cgroup " /proc/self/mountinfo | cut -d " " -f 5-6 | sort
        : </dev/mine && echo mine is for reading; (: >/dev/mine) || echo mine is not for writing'
    # The times of devices are those of their making.
    local without_times='s/ [A-Z][a-z]{2} +[0-9]+ [0-9]{2}:[0-9]{2} / /'
    works docker run --rm --network none --runtime runc --cap-add SYSLOG --device /dev/kmsg:/dev/mine:r "$image" sh -c "$script"
    expected=$(sed -E "$without_times" <<<"$output")
    once --cap-add SYSLOG --device /dev/kmsg:/dev/mine:r "$image" sh -c "$script"
    expect_success
    equal "$(sed -E "$without_times" <<<"$output")" "$expected" 'devices and paths'
    expect_contains $'mine is for reading\nmine is not for writing'
}

@test "docker run: limits" {
    once --memory 64m --memory-swap 128m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 \
        --pids-limit 50 --ulimit nofile=100:200 --ulimit core=0 --sysctl net.ipv4.ip_default_ttl=33 \
        --sysctl kernel.shmmax=65536 --shm-size 2m --oom-score-adj 500 --blkio-weight 0 "$image" sh -c '
            cd /sys/fs/cgroup
            cat memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares \
                cpuset/cpuset.cpus pids/pids.max
            ulimit -n; ulimit -Hn; ulimit -c
            cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmax /proc/self/oom_score_adj
            df -k /dev/shm | tail -n 1 | awk "{ print \$2 }"'
    expect_output $'67108864\n33554432\n50000\n512\n0\n50\n100\n200\n0\n33\n65536\n500\n2048'
    # No more processes than the limit.
    once --pids-limit 5 "$image" sh -c 'for n in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'
    expect_error "can't fork"
}

@test "docker run: out of memory" {
    in_lab docker events --filter type=container --format '{{.Action}} {{.Actor.Attributes.exitCode}}' \
        >"$TEST_DIR/events" 2>&1 3>&- &
    local events=$!
    started one --memory 16m --memory-swap 16m "$image" sh -c 'tail /dev/zero; echo survived; exit 3'
    prints_just 3 docker wait one
    # The engine hears of the lack of memory and of the end by two ways, and does without the first where it is the later,
    # whatever the runtime is. Of three containers one at least has the flag.
    local name state
    for name in two three four; do
        started "$name" --memory 16m --memory-swap 16m "$image" tail /dev/zero
        prints_just 137 docker wait "$name"
        becomes '137 exited' "$name" '{{.State.ExitCode}} {{.State.Status}}'
        state=$(in_lab docker inspect --format '{{.State.OOMKilled}}' "$name")
        [[ $state != true ]] || break
    done
    equal "$state" true 'OOMKilled'
    eventually grep -q 'die 137' "$TEST_DIR/events"
    eventually grep -q '^oom ' "$TEST_DIR/events"
    kill "$events"
    wait "$events" || true
}

@test "docker events" {
    local began
    began=$(date +%s.%N)
    started one "$image" sleep 100
    works docker kill one
    prints_just 137 docker wait one
    works docker rm one
    works docker events --since "$began" --until "$(date +%s.%N)" --filter type=container --format '{{.Action}}'
    expect_output $'create\nattach\nstart\nkill\ndie\ndestroy' || expect_output $'create\nstart\nkill\ndie\ndestroy'
}

@test "docker run: namespaces of the host and of other containers" {
    local kind
    started one --ipc shareable --hostname first "$image" sh -c 'sleep 100 & exec sleep 200'
    for kind in pid net ipc; do
        prints_just "$(in_lab readlink "/proc/$(inspected one '{{.State.Pid}}')/ns/$kind")" docker run --rm \
            "--${kind/net/network}" container:one "$image" readlink "/proc/self/ns/$kind"
    done
    once --pid container:one "$image" sh -c 'kill -TERM $(pidof sleep | tr " " "\n" | grep -v -w 1)'
    expect_success
    for kind in pid net ipc uts; do
        prints_just "$(in_lab readlink "/proc/self/ns/$kind")" docker run --rm "--${kind/net/network}" host "$image" \
            readlink "/proc/self/ns/$kind"
    done
    # Without a PID namespace of its own a container's end takes the other processes along.
    started two --pid host "$image" sh -c 'sleep 12345 & echo ready; exec sleep 200'
    eventually shows ready docker logs two
    works docker kill two
    becomes exited two '{{.State.Status}}'
    eventually in_lab sh -c '! grep -q "1234[5]" /proc/[0-9]*/cmdline 2>/dev/null'
}

# --- networks

@test "docker networks: none, host, bridge with a published port" {
    once "$image" sh -c 'ls /sys/class/net'
    expect_output lo
    works docker run --rm --network host "$image" hostname
    expect_output lab
    works docker run --detach --name web --publish 127.0.0.1:8080:80 "$image" sh -c \
        'mkdir /www && echo "hello from $(hostname)" >/www/index.html && httpd -f -h /www'
    eventually in_lab curl --silent --fail --max-time 5 http://127.0.0.1:8080/
    prints_just "hello from $(inspected web '{{.Config.Hostname}}')" curl --silent http://127.0.0.1:8080/
    works curl --silent "http://$(inspected web '{{.NetworkSettings.IPAddress}}')/"
    # From one container to another, and the way out.
    works docker run --rm --link web "$image" wget -q -O - http://web/
    expect_contains 'hello from'
    works docker run --rm "$image" ip route
    expect_contains 'default via 172.17.0.1 dev eth0'
}

@test "docker networks: two of one's own" {
    works docker network create one
    works docker network create --internal two
    works docker run --detach --name both --network one --network-alias server "$image" sleep 100
    works docker network connect two both
    local root
    root=/proc/$(inspected both '{{.State.Pid}}')
    prints_just $'eth0\neth1' sh -c "awk -F: '/eth/ { print \$1 }' $root/net/dev | tr -d ' ' | sort"
    works docker run --rm --network one "$image" ping -c 1 -W 5 server
    works docker run --rm --network two "$image" ping -c 1 -W 5 both
    works docker network disconnect two both
    prints_just eth0 sh -c "awk -F: '/eth/ { print \$1 }' $root/net/dev | tr -d ' ' | sort"
}

# --- unikernels

@test "docker runs guests: output, exit status, logs" {
    need_guests
    once localhost/test/hello one two
    expect_success
    expect_output $'Hello from swiftlet guest\ncommand line: one two'
    once localhost/test/exit 7
    expect_status 7
    started one localhost/test/hello three
    prints_just 0 docker wait one
    prints_just $'Hello from swiftlet guest\ncommand line: three' docker logs one
}

@test "docker stops, kills, restarts and removes guests" {
    need_guests
    started one localhost/test/sleep
    eventually shows sleeping docker logs one
    is running one '{{.State.Status}}'
    # Nothing in a guest hears signals: the grace period is not used up.
    local began=${EPOCHREALTIME/./}
    works docker stop --time 30 one
    (((${EPOCHREALTIME/./} - began) < 15000000)) || fail 'docker stop waited for the guest'
    is '143 exited' one '{{.State.ExitCode}} {{.State.Status}}'
    works docker start one
    eventually shows $'sleeping\nsleeping' docker logs one
    works docker kill one
    becomes '137 exited' one '{{.State.ExitCode}} {{.State.Status}}'
    works docker restart one
    is running one '{{.State.Status}}'
    works docker rm --force one
    started two --restart on-failure:1 localhost/test/exit 5
    becomes '1 exited 5' two '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}'
}

@test "docker shows a guest's memory and CPU time" {
    need_guests
    started one --memory 64m localhost/test/sleep
    eventually shows sleeping docker logs one
    works docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' one
    matches "$output" '^one [0-9.]+[KM]iB / 64MiB$'
    [[ $output != *' 0B /'* ]] || fail 'a guest that uses no memory'
}

@test "docker pauses guests" {
    need_guests
    need_verb pause
    started one localhost/test/sleep
    eventually shows sleeping docker logs one
    works docker pause one
    is paused one '{{.State.Status}}'
    works docker unpause one
    is running one '{{.State.Status}}'
    works docker stop one
}

@test "docker updates a guest's limits" {
    need_guests
    need_verb update
    started one --memory 64m localhost/test/sleep
    eventually shows sleeping docker logs one
    works docker update --cpus 0.5 --pids-limit 20 one
    is running one '{{.State.Status}}'
    equal "$(cat "/sys/fs/cgroup/cpu/$LAB_NAME/$(inspected one '{{.Id}}')/cpu.cfs_quota_us")" 50000 'cpu quota'
}

@test "docker exec into a guest is refused with the reason" {
    need_guests
    need_verb exec
    started one localhost/test/sleep
    eventually shows sleeping docker logs one
    call docker exec one true
    ((status != 0)) || fail 'expected a refusal'
    matches "$output$stderr" 'guest|unikernel'
    is running one '{{.State.Status}}'
}

@test "docker says why a guest cannot run" {
    need_guests
    once localhost/test/blockdev
    expect_status 125
    expect_error "'disk'"
}

@test "docker connects a guest to its bridge" {
    need_http_guest
    local before
    before=$(lab_network)
    works docker run --detach --name web --memory 64m --publish 127.0.0.1:8081:8080 localhost/test/http one 'two words'
    local address
    address=$(inspected web '{{.NetworkSettings.IPAddress}}')
    serves_http "$address"
    prints_just $'--ipv4='"$address"$'/16\n--ipv4-gateway=172.17.0.1\none\ntwo words' curl --silent "http://$address:8080/args"
    prints_just "service $(inspected web '{{.NetworkSettings.MacAddress}}')" curl --silent "http://$address:8080/mac"
    prints_just 'hello from the http guest' curl --silent --fail http://127.0.0.1:8081/
    # From an ordinary container of the same bridge.
    prints_just 'hello from the http guest' docker run --rm "$image" wget -q -O - "http://$address:8080/"
    works docker stop web
    is '143 exited' web '{{.State.ExitCode}} {{.State.Status}}'
    works docker restart web
    eventually http_answers "$(inspected web '{{.NetworkSettings.IPAddress}}')"
    works docker rm --force web
    equal "$(lab_network)" "$before" 'the network afterwards'
}

@test "docker connects a guest to a network of one's own" {
    need_http_guest
    works docker network create --subnet 10.80.0.0/24 one
    works docker run --detach --name web --memory 64m --network one --ip 10.80.0.7 localhost/test/http
    serves_http 10.80.0.7
    prints_just 'hello from the http guest' docker run --rm --network one "$image" wget -q -O - http://web:8080/
}

@test "docker runs guests under QEMU" {
    need_machines
    once localhost/test/hello-virt one two
    expect_success
    expect_output $'Hello from swiftlet guest\ncommand line: one two'
    once localhost/test/exit-virt 7
    expect_status 7
    started one --memory 128m localhost/test/sleep-virt
    eventually shows sleeping docker logs one
    works docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' one
    matches "$output" '^one [0-9.]+MiB / 128MiB$'
    works docker pause one
    is paused one '{{.State.Status}}'
    works docker unpause one
    works docker stop --time 30 one
    is '143 exited' one '{{.State.ExitCode}} {{.State.Status}}'
    works docker start one
    eventually shows $'sleeping\nsleeping' docker logs one
    works docker kill one
    becomes '137 exited' one '{{.State.ExitCode}} {{.State.Status}}'
    works docker rm one
}

@test "docker connects a guest under QEMU to a network of one's own" {
    need_machines
    local before
    before=$(lab_network)
    works docker network create --subnet 10.81.0.0/24 one
    works docker run --detach --name web --network one --ip 10.81.0.7 --publish 127.0.0.1:8082:8080 \
        localhost/test/http-virt --ipv4=10.81.0.7/24 --ipv4-gateway=10.81.0.1
    serves_http 10.81.0.7 1000000 500 50
    prints_just "service $(inspected web '{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}')" \
        curl --silent http://10.81.0.7:8080/mac
    prints_just 'hello from the http guest' curl --silent --fail http://127.0.0.1:8082/
    works docker stop web
    is '143 exited' web '{{.State.ExitCode}} {{.State.Status}}'
    works docker rm web
    works docker network rm one
    equal "$(lab_network)" "$before" 'the network afterwards'
}
