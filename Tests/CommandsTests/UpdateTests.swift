import HostSystem
import OCISpec
import Testing

@testable import Commands

@Suite struct MemorySizeTests {
    @Test(
        "amounts of memory with and without units",
        arguments: [
            ("0", 0), ("1024", 1024), ("-1", -1), ("64M", 64 << 20), ("64m", 64 << 20), ("64MB", 64 << 20),
            ("64MiB", 64 << 20), ("64 mib", 64 << 20), ("1k", 1024), ("1.5G", 3 << 29), ("2T", 2 << 40),
            ("1p", 1 << 50),
            ("100b", 100), ("100 B", 100), ("0.5k", 512), ("1.", 1),
        ] as [(String, Int64)])
    func reads(text: String, bytes: Int64) throws {
        #expect(try MemorySize.bytes(text, option: "memory") == bytes)
    }

    @Test(
        "what is no amount of memory",
        arguments: [
            ("", "invalid size: ''"), ("lots", "invalid size: 'lots'"), ("M", "invalid size: 'M'"),
            ("-5", "invalid size: '-5'"), (".5M", "invalid size: '.5M'"), ("1.2.3", "invalid size: '1.2.3'"),
            ("1X", "invalid suffix: 'X'"), ("1bb", "invalid suffix: 'bb'"), ("1Mi", "invalid suffix: 'Mi'"),
            ("1e3", "invalid suffix: 'e3'"), ("1  M", "invalid suffix: ' M'"),
            ("9000000P", "'9000000P' is more than 8 EiB"),
        ])
    func refuses(text: String, reason: String) {
        let error = #expect(throws: Failure.self) { try MemorySize.bytes(text, option: "memory") }
        #expect(error?.description == "invalid value for memory: \(reason)")
    }
}

@Suite struct GoDurationTests {
    @Test(
        "lengths of time",
        arguments: [
            ("5s", 5_000_000_000), ("100ms", 100_000_000), ("1h", 3_600_000_000_000), ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000), (".5s", 500_000_000), ("-1s", -1_000_000_000), ("+2s", 2_000_000_000), ("0", 0),
            ("0s", 0), ("7ns", 7), ("3us", 3000), ("3µs", 3000), ("1h2m3s4ms", 3_723_004_000_000),
            ("5.s", 5_000_000_000),
        ] as [(String, Int64)])
    func reads(text: String, nanoseconds: Int64) {
        #expect(GoDuration.nanoseconds(text) == nanoseconds)
    }

    @Test(
        "what is no length of time",
        arguments: [
            "", "5", "s", "often", "1x", "1s2", "-", "+", ".s", "1 s", "1..5s", "s1", "1d", "99999999999h", "٣s",
        ])
    func refuses(text: String) {
        #expect(GoDuration.nanoseconds(text) == nil)
    }
}

@Suite struct UpdateTests {
    private func wanted(_ words: String...) throws -> Resources {
        try Update.wanted(try ArgumentParser.parse(words[...], options: Update.declaration.options))
    }

    @Test("every option sets its property and nothing else")
    func options() throws {
        let rows: [([String], (Resources) -> Bool)] = [
            (["--memory", "64M"], { $0.memory?.limit == 64 << 20 }),
            (["--memory-swap=-1"], { $0.memory?.swap == -1 }),
            (["--memory-reservation", "1k"], { $0.memory?.reservation == 1024 }),
            (["--kernel-memory", "1k"], { $0.memory?.kernel == 1024 }),
            (["--kernel-memory-tcp", "1k"], { $0.memory?.kernelTCP == 1024 }),
            (["--cpu-period", "1000"], { $0.cpu?.period == 1000 }),
            (["--cpu-quota", "-1"], { $0.cpu?.quota == -1 }),
            (["--cpu-burst", "0"], { $0.cpu?.burst == 0 }),
            (["--cpu-share", "2"], { $0.cpu?.shares == 2 }),
            (["--cpu-rt-period", "5"], { $0.cpu?.realtimePeriod == 5 }),
            (["--cpu-rt-runtime", "5"], { $0.cpu?.realtimeRuntime == 5 }),
            (["--cpu-idle", "1"], { $0.cpu?.idle == 1 }),
            (["--cpuset-cpus", "0-1"], { $0.cpu?.cpus == "0-1" }),
            (["--cpuset-mems", "0"], { $0.cpu?.mems == "0" }),
            (["--pids-limit", "-1"], { $0.pids?.limit == -1 }),
            (["--blkio-weight", "500"], { $0.blockIO?.weight == 500 }),
        ]
        let options = Update.declaration.options
        let nothing = try Update.wanted(try ArgumentParser.parse([], options: options))
        for (words, holds) in rows {
            let found = try Update.wanted(try ArgumentParser.parse(words[...], options: options))
            #expect(holds(found), "\(words)")
            #expect(!holds(nothing), "\(words)")
        }
        #expect(nothing.memory == MemoryResources() && nothing.cpu == CPUResources())
        #expect(nothing.pids == nil && nothing.blockIO == nil)
    }

    @Test(
        "values that do not fit",
        arguments: [
            (["--blkio-weight", "70000"], "invalid value for blkio-weight: \"70000\": value out of range"),
            (["--cpu-share", "-1"], "invalid value for cpu-share: \"-1\": value out of range"),
            (["--pids-limit", "ten"], "invalid value for pids-limit: \"ten\": invalid syntax"),
            (["--cpu-quota", "1.5"], "invalid value for cpu-quota: \"1.5\": invalid syntax"),
        ])
    func refuses(words: [String], reason: String) throws {
        let arguments = try ArgumentParser.parse(words[...], options: Update.declaration.options)
        let error = #expect(throws: Failure.self) { try Update.wanted(arguments) }
        #expect(error?.description == reason)
    }
}
