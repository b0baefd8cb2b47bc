# The vAccel agent's back-end libvaccel. The library is vaccel_standin.c, which has the functions of upstream's; the same
# exchange with upstream's own library and its noop plug-in where they are given.
#
# AGENT               the executable under test, out/swiftlet-vaccel unless set
# SWIFTLET_LIBVACCEL  upstream's library and its noop plug-in: /usr/lib/libvaccel.so:/usr/lib/libvaccel-noop.so

bats_require_minimum_version 1.5.0

repository=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
AGENT=${AGENT:-$repository/out/swiftlet-vaccel}

setup() {
    [[ -x $AGENT ]] || skip "no agent at $AGENT: build it with Hack/build"
    directory=$(mktemp -d /tmp/swiftlet-upstream.XXXXXX)
    socket=$directory/agent.sock
    agent=''
    before=$(compgen -G '/tmp/vaccel/*' | sort) || true
}

teardown() {
    local left='' status=0
    if [[ ${agent-} ]]; then
        kill -TERM "$agent" 2>/dev/null || true
        wait "$agent" || status=$?
        ((status == 0)) || left+="the agent ended with $status;"
    fi
    [[ ${before-} == "$(compgen -G '/tmp/vaccel/*' | sort)" ]] || left+="a directory is left in /tmp/vaccel;"
    rm -rf --one-file-system "${directory-}"
    [[ ! $left ]] || {
        echo "$left"
        return 1
    }
}

build_standin() {
    gcc -shared -fPIC -Wall -Wextra -Werror -o "$directory/standin.so" "$repository/Tests/Integration/vaccel_standin.c"
    standin=$directory/standin.so:$directory/standin-plugin.so
}

start_agent() { # LIBRARY [OPTION...]
    "$AGENT" --address "unix://$socket" --library "libvaccel=$1" --log-level debug "${@:2}" 3>&- 2>"$directory/log" &
    agent=$!
    local deadline=$((SECONDS + 10))
    until [[ -S $socket ]] || ! kill -0 "$agent" || ((SECONDS > deadline)); do sleep 0.02; done
    [[ -S $socket ]]
}

check() { # CHECK
    run timeout 60 python3 "$repository/Tests/Integration/vaccel_model_checks.py" "$1" "unix://$socket"
    ((status == 0)) || {
        echo "$output"
        tail -n 20 "$directory/log"
        return 1
    }
}

@test "libvaccel: images, products, arithmetic and models go to the library and come back" {
    build_standin
    start_agent "$standin" --backend libvaccel
    check upstream
}

@test "libvaccel: a plug-in that crashes costs one call" {
    build_standin
    start_agent "$standin" --backend libvaccel
    check upstream_crash
}

@test "libvaccel: only with the operator's word" {
    build_standin
    start_agent "$standin" --backend noop
    run -1 timeout 60 python3 "$repository/Tests/Integration/vaccel_model_checks.py" upstream "unix://$socket"
    run ! grep -q 'libvaccel: worker' "$directory/log"
}

@test "libvaccel: a library that is missing or does not start is named" {
    build_standin
    start_agent "$directory/none.so:$directory/standin-plugin.so" --backend libvaccel
    check upstream_missing
    grep -q "cannot be opened: $directory/none.so" "$directory/log"
    kill -TERM "$agent"
    wait "$agent" || true
    start_agent "$directory/standin.so" --backend libvaccel
    check upstream_missing
    grep -q "start $directory/standin.so with plug-ins : no such device" "$directory/log"
}

@test "libvaccel: upstream's own library with its noop plug-in" {
    [[ ${SWIFTLET_LIBVACCEL-} ]] || skip "SWIFTLET_LIBVACCEL does not name upstream's library and its noop plug-in"
    start_agent "$SWIFTLET_LIBVACCEL" --backend libvaccel
    check upstream_noop
}
