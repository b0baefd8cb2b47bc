import Testing

@testable import HostSystem

@Suite struct MountTableTests {
    @Test func readsLines() throws {
        let plain = try #require(MountEntry("24 1 0:22 / /proc rw,nosuid shared:5 master:1 - proc proc rw"))
        #expect([plain.root, plain.path, plain.type] == ["/", "/proc", "proc"])
        let escaped = try #require(MountEntry("25 1 8:1 /a\\040b /mnt/c\\134d rw - ext4 /dev/sda1 rw"))
        #expect([escaped.root, escaped.path, escaped.type] == ["/a b", "/mnt/c\\d", "ext4"])
        #expect(MountEntry("25 1 8:1 / /mnt rw") == nil)
        #expect(MountEntry("25 1 8:1 / /mnt rw -") == nil)
    }

    @Test func readsThisNamespace() throws {
        let mounts = try mountTable()
        #expect(mounts.contains { $0.path == "/proc" && $0.type == "proc" })
    }
}
