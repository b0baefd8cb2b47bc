import CLinux
import HostSystem
import Solo5Tender
import Testing

/// The http guest as Hack/build-guests makes it.
private func guestPath(_ target: TenderTarget) -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(root)/.build-guests/http.\(target == .hvt ? "hvt" : "spt")"
}

private func canRun(_ target: TenderTarget) -> Bool {
    exists(guestPath(target)) && (target == .spt || (try? open("/dev/kvm", flags: .readWrite)) != nil)
}

/// Runs the http guest on one end of a pair of sockets and `talk` on the other, and ends: with 0 when all held that
/// `talk` requires, otherwise with the line of what did not. To be called in an exit test.
private func converse(_ target: TenderTarget, _ talk: (NetworkPeer) throws -> Void) throws -> Never {
    let ends = try SocketPair().take()
    let net = AttachedDevice(name: "service", kind: .net(mac: NetworkPeer.guestMAC, mtu: 1500), descriptor: ends.first)
    let launch = TenderLaunch(
        target: target, memoryMiB: 16, commandLine: Array("--ipv4=10.0.0.2/24".utf8),
        executable: try open(guestPath(target), flags: .readOnly).release(),
        kvm: target == .hvt ? try open("/dev/kvm", flags: [.readWrite]).release() : nil, devices: [net])
    let faults = try FaultRecord()
    let child = try check("fork", "", lx_fork())
    if child == 0 { try prepareTender(launch, faults: faults).enter() }
    var status: Int32 = 0
    do {
        try talk(NetworkPeer(socket: ends.second))
    } catch let unmet as Unmet {
        status = unmet.line
    }
    try sendSignal(SIGKILL, to: child)
    exitNow(status)
}

/// The line of what did not hold: all that an exit test can tell.
private struct Unmet: Error {
    var line: Int32
}

private func require(_ holds: Bool, line: Int32 = #line) throws {
    guard holds else { throw Unmet(line: line) }
}

/// Asks for the address, pings, with damaged and cut-off frames between.
private func checkPackets(_ peer: NetworkPeer) throws {
    try require(try peer.ask(Frames.question, Answers.mac) == NetworkPeer.guestMAC)
    try require(try peer.ask(Frames.echo(1), Answers.echo) == 1)
    try peer.send(Frames.echo(2, damage: 1))
    var damaged = Frames.echo(3)
    damaged[22] ^= 1
    try peer.send(damaged)
    try require(try peer.ask(Frames.echo(4), Answers.echo) == 4)
    for frame in [Frames.question, Frames.echo(5), Frames.segment(2, 1, 0), Frames.segment(24, 1, 1, "GET")] {
        for size in 1..<frame.count { try peer.send(Array(frame.prefix(size))) }
    }
    for byte in 14..<60 {
        var strange = Frames.segment(2, 1, 0)
        if byte < strange.count { strange[byte] = 0xFF }
        try peer.send(strange)
    }
    try require(try peer.ask(Frames.echo(6), Answers.echo) == 6)
}

/// Opens a connection, gets a page, sends twice what came already, and leaves something unacknowledged.
private func checkConnection(_ peer: NetworkPeer) throws {
    try require(try peer.ask(Frames.question, Answers.mac) != nil)
    let opened = try peer.ask(Frames.segment(0x02, 1000, 0), Answers.segment) ?? .nothing
    try require(opened.flags == 0x12 && opened.acknowledgement == 1001)
    let request = "GET / HTTP/1.1\r\n\r\n", next = 1001 + UInt32(request.utf8.count)
    let first = opened.sequence &+ 1
    try peer.send(Frames.segment(0x10, 1001, first))
    let page = try peer.ask(Frames.segment(0x18, 1001, first, request), Answers.segment)
    try require(page?.text.hasSuffix("hello from the http guest\n") == true)
    try require(page?.acknowledgement == next && page?.sequence == first)
    // Unacknowledged, it comes once more, the same.
    try require(try peer.receive(Answers.segment) == page)
    // The request once more is not another request.
    let last = first &+ UInt32(page?.text.utf8.count ?? 0)
    let again = try peer.ask(Frames.segment(0x18, 1001, last, request), Answers.segment)
    try require(again?.text == "" && again?.acknowledgement == next)
    let early = try peer.ask(Frames.segment(0x18, next + 100, last, request), Answers.segment)
    try require(early?.text == "" && early?.acknowledgement == next)
    let end = try peer.ask(Frames.segment(0x11, next, last), Answers.segment)
    try require(end?.flags == 0x11 && end?.acknowledgement == next + 1)
    try peer.send(Frames.segment(0x10, next + 1, last + 1))
    let void = try peer.ask(Frames.segment(0x10, next + 1, last + 1), Answers.segment)
    try require(void?.flags == 4)
}

/// Conversations with the http guest, frame by frame.
@Suite struct NetworkGuestTests {
    @Test(.enabled(if: canRun(.spt), "needs .build-guests/http.spt")) func sptAnswersPackets() async {
        await #expect(processExitsWith: .exitCode(0)) { try converse(.spt, checkPackets) }
    }

    @Test(.enabled(if: canRun(.spt), "needs .build-guests/http.spt")) func sptKeepsConnections() async {
        await #expect(processExitsWith: .exitCode(0)) { try converse(.spt, checkConnection) }
    }

    @Test(.enabled(if: canRun(.hvt), "needs .build-guests/http.hvt and /dev/kvm")) func hvtAnswersPackets() async {
        await #expect(processExitsWith: .exitCode(0)) { try converse(.hvt, checkPackets) }
    }

    @Test(.enabled(if: canRun(.hvt), "needs .build-guests/http.hvt and /dev/kvm")) func hvtKeepsConnections() async {
        await #expect(processExitsWith: .exitCode(0)) { try converse(.hvt, checkConnection) }
    }
}
