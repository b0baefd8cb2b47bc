#!/usr/bin/env bats
# Hack/new-monitor and Hack/new-framework in a copy of the tree: what they write, that it is formatted and belongs to its
# layer, and, where Swift's modules are built, that it compiles.

load helpers

setup() {
    need_command swift
    TEST_DIR=$(mktemp -d /tmp/swiftlet-test.XXXXXX)
    copy=$TEST_DIR/copy
    mkdir "$copy"
    (cd "$repository" && tar --create Hack Package.swift .swift-format Sources/{Monitors,Frameworks} Tests/LaunchPlanningTests) |
        tar --extract --directory "$copy"
    mkdir -p "$copy/Tests/FrameworksTests"
}

teardown() { rm -rf "$TEST_DIR"; }

# What the script wrote is as Hack/check wants it, and imports what its layer may.
expect_sound() { # SOURCE TESTS
    run swift format lint --strict --configuration "$copy/.swift-format" "$copy/$1" "$copy/$2"
    equal "$output" '' "findings of the linter"
    equal "$(grep -h import "$copy/$1")" 'public import GuestModel' "what $1 imports"
    local modules
    modules=$(dirname "$RUNTIME")/Modules
    [[ -d $modules ]] || modules=$repository/.build/debug/Modules
    [[ -e $modules/GuestModel.swiftmodule ]] || return 0
    # Those of an older state say nothing of this one.
    [[ ! $(find "$repository/Sources/GuestModel" -newer "$modules/GuestModel.swiftmodule" -print -quit) ]] || return 0
    run swiftc -typecheck -swift-version 6 -warnings-as-errors -strict-memory-safety \
        -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility -I "$modules" "$copy/$(dirname "$1")"/*.swift
    ((status == 0)) || fail "$output"
}

@test "a new monitor begins as a file, a line in the registry and tests" {
    run "$copy/Hack/new-monitor" tiny-vmm
    equal "$status" 0 "status ($output)"
    grep -q '"tiny-vmm"' "$copy/Sources/Monitors/TinyVmm.swift" || fail "the file has no name"
    equal "$(grep -A1 -Fx '    TinyVmm(),' "$copy/Sources/Monitors/Registry.swift")" $'    TinyVmm(),\n]' 'the registry'
    expect_sound Sources/Monitors/TinyVmm.swift Tests/LaunchPlanningTests/TinyVmmTests.swift
}

@test "a new framework begins as a file, a line in the registry, tests and a form of guest" {
    run "$copy/Hack/new-framework" small-kernel-with-a-long-name
    equal "$status" 0 "status ($output)"
    # Those that take any kernel come last.
    equal "$(grep -A1 -Fx '    SmallKernelWithALongName(),' "$copy/Sources/Frameworks/Registry.swift")" \
        $'    SmallKernelWithALongName(),\n    Linux(),' 'the registry'
    grep -q 'GuestForm("small-kernel-with-a-long-name"' "$copy/Tests/LaunchPlanningTests/GoldenPairTests.swift" ||
        fail "GoldenPairTests has no form of it"
    expect_sound Sources/Frameworks/SmallKernelWithALongName.swift Tests/FrameworksTests/SmallKernelWithALongNameTests.swift
}

@test "names that are taken or none are refused, and nothing is written" {
    local script name
    (cd "$copy" && find Sources Tests -type f -exec cksum {} +) >"$TEST_DIR/before"
    for script in new-monitor new-framework; do
        for name in 'two words' Capital two--hyphens ../path "$([[ $script == *monitor ]] && echo qemu || echo unikraft)"; do
            run "$copy/Hack/$script" "$name"
            ((status != 0)) || fail "$script takes '$name'"
        done
    done
    equal "$(cd "$copy" && find Sources Tests -type f -exec cksum {} +)" "$(<"$TEST_DIR/before")" 'files'
}

@test "the document's commands do what it says" {
    local number
    for number in 0 1; do
        python3 -B "$BATS_TEST_DIRNAME/blocks.py" sh "$repository/Specs/extending.md" "$number" >"$TEST_DIR/block"
        (cd "$copy" && bash -euo pipefail "$TEST_DIR/block") || fail "block $number: $(<"$TEST_DIR/block")"
    done
    [[ -e $copy/Sources/Monitors/TinyVmm.swift && -e $copy/Sources/Frameworks/SmallKernel.swift ]] || fail "no files"
}
