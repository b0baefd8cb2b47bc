# Guests under a monitor that is a program. To be loaded after helpers.bash by a file that has a `machine_bundle GUEST ARGS...`
# of its own, which makes the bundle around a guest.

# Runs a guest and expects a status.
run_machine() { # STATUS GUEST ARGS...
    machine_bundle "${@:2}"
    run_container
    expect_status "$1"
}

# Creates and starts a guest, which says that it is there.
start_machine() { # WORD GUEST ARGS...
    machine_bundle "${@:2}"
    create
    ok start "$ID"
    eventually prints "$1"
}
