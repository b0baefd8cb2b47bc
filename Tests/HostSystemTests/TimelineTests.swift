import HostSystem
import Testing

@Suite struct TimelineTests {
    @Test("steps follow one another from the beginning to the end")
    func chains() {
        let timeline = Timeline("create", began: 100)
        timeline.mark("plan", at: 150)
        timeline.mark("cgroups", at: 175)
        #expect(timeline.steps.map(\.name) == ["plan", "cgroups"])
        #expect(timeline.steps.map(\.began) == [100, 150])
        #expect(timeline.steps.map(\.duration) == [50, 25])
        #expect(timeline.ended == 175)
    }

    @Test("what another process did stands where it happened")
    func includes() {
        let timeline = Timeline("create", began: 100)
        timeline.mark("clone", at: 150)
        timeline.mark("hooks", at: 180)
        timeline.include("init=151 mounts=170 root=190")
        #expect(timeline.steps.map(\.name) == ["clone", "mounts", "hooks", "root"])
        #expect(timeline.steps.map(\.duration) == [50, 20, 10, 10])
        #expect(timeline.ended == 190)
    }

    @Test("another process's times outside of this one's are not believed")
    func doubts() {
        let timeline = Timeline("start", began: 100)
        timeline.include("supervisor=5 early=7 late=9223372036854775807")
        #expect(timeline.steps.map(\.began) == [100, 100])
        #expect(timeline.ended <= monotonicNanoseconds())
    }

    @Test("its text says the same when it is read")
    func survives() throws {
        let timeline = Timeline("start", began: 9_223_372_036_854_775_000)
        timeline.mark("network", at: 9_223_372_036_854_775_807)
        let read = try #require(Timeline(text: timeline.text))
        #expect(read.name == "start" && read.began == timeline.began && read.steps == timeline.steps)
        #expect(try #require(Timeline(text: "create=5")).steps.isEmpty)
    }

    @Test(
        "anything else is no time line",
        arguments: [
            "", " ", "create", "create=", "=5", "create=x", "create=1 plan", "create=1 plan=2=3", "\u{0}=1 =2",
            "create=-1", "create=1 \u{1B}[2J=2", "create=1 <script>=2", "create=1 plan=9223372036854775808",
            String(repeating: "a=1 ", count: 101),
        ])
    func refuses(text: String) {
        #expect(Timeline(text: text) == nil)
        let timeline = Timeline("create", began: 1)
        timeline.include(text)
        #expect(timeline.steps.isEmpty)
    }

    @Test("a line is logged for each step, with its duration, at the level of debugging only")
    func logs() {
        var written = ""
        let log = Log(format: .json, level: .debug, standardError: { written += $0 })
        Timeline("create", began: 100, container: "web", log: log).mark("plan", at: 1100)
        #expect(
            written.hasPrefix(
                #"{"command":"create","container":"web","duration_ns":1000,"level":"debug","msg":"create: plan done","#
                    + #""step":"plan","time":""#))
        var text = ""
        Timeline("start", began: 0, container: "a b", log: Log(level: .debug, standardError: { text += $0 }))
            .mark("network", at: 7)
        let fields = #"command=start container="a b" duration_ns=7 step=network"#
        #expect(text.hasSuffix(" level=debug msg=\"start: network done\" \(fields)\n"))
        Timeline("create", log: Log(standardError: { _ in Issue.record("logged") })).mark("plan")
    }
}
