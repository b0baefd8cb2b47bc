import HostSystem
import LaunchPlanning
import TestSupport
import Testing

@testable import Storage

@Suite struct MachineInitrdTests {
    /// The paths of modules by the lists that depmod leaves.
    private func paths(of names: [String], _ list: String, builtIn: String = "") throws -> [String] {
        var paths: [String] = []
        try withTemporaryDirectory { directory in
            try write(list, to: "\(directory)/modules.dep")
            try write(builtIn, to: "\(directory)/modules.builtin")
            paths = try KernelModules(in: directory).paths(of: names)
        }
        return paths
    }

    @Test func modulesAreLoadedAfterWhatTheyNeed() throws {
        let list = """
            kernel/virtio/virtio_ring.ko:
            kernel/virtio/virtio.ko: kernel/virtio/virtio_ring.ko
            kernel/fuse/virtiofs.ko.xz: kernel/virtio/virtio.ko kernel/virtio/virtio_ring.ko kernel/fuse.ko
            kernel/fuse.ko:
            kernel/net/virtio-net.ko: kernel/virtio/virtio.ko kernel/virtio/virtio_ring.ko

            """
        let found = try paths(
            of: ["virtio_pci", "virtiofs", "virtio_net"], list, builtIn: "kernel/virtio/virtio_pci.ko\n")
        #expect(
            found == [
                "kernel/fuse.ko", "kernel/virtio/virtio_ring.ko", "kernel/virtio/virtio.ko",
                "kernel/fuse/virtiofs.ko.xz", "kernel/net/virtio-net.ko",
            ])
    }

    @Test func aModuleThatIsNotThereIsNamed() {
        #expect(message { _ = try paths(of: ["virtiofs"], "kernel/virtio.ko:\n") }.hasSuffix(" has no virtiofs"))
    }

    /// See the kernel's buffer-format.rst: a head of 110 bytes, name and content each filled up to four bytes.
    @Test func anArchiveIsWhatTheKernelUnpacks() {
        var archive = CpioArchive()
        archive.add("dev", mode: 0o040_755)
        archive.add("a", mode: 0o100_444, [UInt8]("hello".utf8))
        let text = String(decoding: archive.finished, as: UTF8.self)
        let zeros = String(repeating: "0", count: 8)
        func head(_ number: Int, _ mode: String, size: Int, name: Int) -> String {
            "0707010000000\(number)0000\(mode)\(zeros)\(zeros)00000001\(zeros)0000000\(size)"
                + String(repeating: zeros, count: 4) + "0000000\(String(name, radix: 16))\(zeros)"
        }
        #expect(
            text
                == head(1, "41ed", size: 0, name: 4) + "dev\0\0\0"
                + head(2, "8124", size: 5, name: 2) + "a\0hello\0\0\0"
                + head(3, "0000", size: 0, name: 11) + "TRAILER!!!\0\0\0\0")
    }
}
