import HostSystem
import LaunchPlanning
import TestSupport
import Testing

@testable import Storage

@Suite struct VolumePackerTests {
    private func pack(_ path: String) throws -> Descriptor {
        let place = try open(path, flags: .pathOnly)
        return try VolumePacker(VolumePlan(format: .tar, limitMiB: 1), sectorBytes: 512).pack(place.raw)
    }

    @Test func packsWhatCannotBeChanged() throws {
        try withTemporaryDirectory { directory in
            try write("one", to: "\(directory)/a")
            let file = try pack(directory)
            #expect(try status(of: file.raw).size == 4 * 512)
            #expect(try errorNumber { try writeAll([0], to: file.raw, named: "volume") } != 0)
        }
    }

    @Test("the same directory becomes the same bytes, whatever the order of its entries")
    func sortsNames() throws {
        try withTemporaryDirectory { directory in
            for name in ["b", "a", "c"] { try write(name, to: "\(directory)/\(name)") }
            let file = try pack(directory)
            let bytes = try read(file.raw, named: "volume", at: 0, count: 8 * 512)
            #expect([bytes[0], bytes[1024], bytes[2048]] == [0x61, 0x62, 0x63])
        }
    }

    @Test func leavesOutOldVersions() throws {
        try withTemporaryDirectory { directory in
            try write("one", to: "\(directory)/..1/key")
            try link("\(directory)/..data", to: "..1")
            try link("\(directory)/key", to: "..data/key")
            let file = try pack(directory)
            #expect(try status(of: file.raw).size == 4 * 512)
        }
    }

    @Test func refusesLinksThatLeadOut() throws {
        try withTemporaryDirectory { directory in
            try link("\(directory)/out", to: "/etc/passwd")
            #expect(message { _ = try pack(directory) }.hasPrefix("out in it cannot be followed inside of it"))
        }
    }
}
