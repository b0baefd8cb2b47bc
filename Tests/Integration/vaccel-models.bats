# The vAccel agent's models: image tasks, and models that guests bring. The client is vaccel_client.py, the models are
# those of Tests/Models.
#
# AGENT                 the executable under test, out/swiftlet-vaccel unless set
# SWIFTLET_ONNXRUNTIME  the ONNX Runtime library or a directory with it, what Hack/python fetches unless set

bats_require_minimum_version 1.5.0

repository=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
AGENT=${AGENT:-$repository/out/swiftlet-vaccel}
library=${SWIFTLET_ONNXRUNTIME:-$repository/.build-python/onnxruntime}
models=$repository/Tests/Models

setup() {
    [[ -x $AGENT ]] || skip "no agent at $AGENT: build it with Hack/build"
    [[ -e $library ]] || skip "no ONNX Runtime at $library: Hack/python runtime fetches it"
    directory=$(mktemp -d /tmp/swiftlet-models.XXXXXX)
    socket=$directory/agent.sock
    agent=''
}

teardown() {
    local left=''
    if [[ ${agent-} ]]; then
        local workers status=0
        workers=$(cat "/proc/$agent/task/$agent/children" 2>/dev/null) || true
        kill -TERM "$agent" 2>/dev/null || true
        wait "$agent" || status=$?
        ((status == 0)) || left+="the agent ended with $status;"
        for pid in $workers; do [[ ! -e /proc/$pid ]] || left+="worker $pid is left;"; done
    fi
    rm -rf --one-file-system "${directory-}"
    [[ ! $left ]] || {
        echo "$left"
        return 1
    }
}

# Starts an agent with ONNX Runtime at $socket and more options, and waits until it listens.
start_agent() { # OPTION...
    "$AGENT" --address "unix://$socket" --backend onnx --library "onnx=$library" --log-level debug "$@" \
        3>&- 2>"$directory/log" &
    agent=$!
    local deadline=$((SECONDS + 10))
    until [[ -S $socket ]] || ! kill -0 "$agent" || ((SECONDS > deadline)); do sleep 0.02; done
    [[ -S $socket ]] || {
        cat "$directory/log"
        return 1
    }
}

check() { # CHECK
    run timeout 120 python3 "$repository/Tests/Integration/vaccel_model_checks.py" "$1" "unix://$socket"
    ((status == 0)) || {
        echo "$output"
        tail -n 20 "$directory/log"
        return 1
    }
}

@test "models: a digit is called by its name, as PNG and JPEG, by both calls" {
    start_agent --models "$models/digits"
    check digits
}

@test "models: the same with more threads" {
    start_agent --models "$models/digits" --threads 2
    check digits
}

@test "models: images that are none, cut off, damaged or huge are errors" {
    start_agent --models "$models/digits"
    check unsound
}

@test "models: a task without a model is not supported" {
    start_agent --models "$models/digits"
    check no_model
}

@test "models: detection, segmentation, pose and depth" {
    start_agent --models "$models/vision"
    check tasks
}

@test "models: answers as pictures" {
    start_agent --models "$models/vision"
    check pictures
}

@test "models: a guest's model runs by the calls of three frameworks" {
    start_agent
    check frameworks
}

@test "models: one of the operator's by its name, and no other file" {
    start_agent --models "$models/digits"
    check offered
}

@test "models: damaged ones, and ones that refer to files of the host's, are errors" {
    start_agent
    check hostile
    run ! grep -q 'root:' "$directory/log"
}

@test "models: one without an end and one that wants all memory cost one call each" {
    start_agent --call-timeout 1500
    check exhausting
    grep -q 'no answer within the deadline' "$directory/log"
}

@test "models: without the library all that needs it says so" {
    library=/nonexistent/libonnxruntime.so
    start_agent --models "$models/digits"
    check missing
    grep -q 'cannot be opened: /nonexistent/libonnxruntime.so' "$directory/log"
}

@test "models: a directory that is not there, and a model that is none, are named" {
    start_agent --models "$directory/none"
    run -1 timeout 60 python3 "$repository/Tests/Integration/vaccel_model_checks.py" digits "unix://$socket"
    grep -q "models: openat $directory/none: no such file or directory" "$directory/log"
    mkdir "$directory/none"
    echo nonsense >"$directory/none/broken.onnx"
    run -1 timeout 60 python3 "$repository/Tests/Integration/vaccel_model_checks.py" digits "unix://$socket"
    grep -q "model $directory/none/broken: the model is no ONNX model" "$directory/log"
}

@test "models: a GPU that is asked for and that the library cannot use is an error" {
    start_agent --models "$models/digits" --gpu
    run -1 timeout 60 python3 "$repository/Tests/Integration/vaccel_model_checks.py" digits "unix://$socket"
    grep -q 'cannot use a GPU; it has .*CPUExecutionProvider' "$directory/log" || skip "the library at hand has CUDA"
}
