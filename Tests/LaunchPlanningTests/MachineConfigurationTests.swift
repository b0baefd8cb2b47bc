import HostSystem
import OCIBundle
import TestSupport
import Testing

@testable import LaunchPlanning

/// What the process 1 of a virtual machine is told to make, from what an engine wrote.
@Suite struct MachineConfigurationTests {
    private static let namespaces: JSONValue = [
        ["type": "pid"], ["type": "network"], ["type": "uts"], ["type": "mount"],
    ]
    private static let dev: JSONValue = ["destination": "/dev", "type": "tmpfs", "source": "tmpfs"]

    /// Translates a configuration with these mounts and these further properties of `linux`.
    private func translated(_ mounts: [JSONValue], _ linux: JSONObject = JSONObject()) throws -> MachineConfiguration {
        var found: MachineConfiguration?
        try withTemporaryDirectory { directory in
            try makeDirectories("\(directory)/rootfs/volume", mode: 0o755)
            try write("text", to: "\(directory)/file")
            var properties = linux
            properties["namespaces"] = Self.namespaces
            let config: JSONValue = [
                "ociVersion": "1.2.0", "root": ["path": "rootfs", "readonly": true], "hostname": "inside",
                "process": [
                    "args": ["/bin/true"], "cwd": "/", "user": ["uid": 7, "gid": 8], "apparmorProfile": "engine",
                ],
                "mounts": .array([Self.dev] + mounts), "linux": .object(properties),
                "hooks": ["prestart": [["path": "/bin/a"]], "startContainer": [["path": "/bin/b"]]],
            ]
            try write(config.text(), to: "\(directory)/config.json")
            found = try MachineConfiguration(Bundle(path: directory))
        }
        return try #require(found)
    }

    @Test func sharedMountsAreFoundByTheirNumbers() throws {
        let translated = try translated([
            ["destination": "/a", "type": "bind", "source": "rootfs/volume", "options": ["rbind", "ro", "rprivate"]],
            ["destination": "/proc", "type": "proc", "source": "proc"],
            ["destination": "/b", "source": "file", "options": ["bind"]],
            ["destination": "/dev/shm", "type": "bind", "source": "/dev", "options": ["rbind"]],
        ])
        #expect(translated.shared == [1, 3])
        let mounts = try #require(translated.json["mounts"]?.array)
        #expect(
            mounts == [
                Self.dev,
                [
                    "destination": "/a", "type": "bind", "source": "/share/mounts/1", "options": ["rbind", "ro"],
                ],
                ["destination": "/proc", "type": "proc", "source": "proc"],
                ["destination": "/b", "type": "bind", "source": "/share/mounts/3", "options": ["bind"]],
                [
                    "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
                    "options": ["nosuid", "noexec", "nodev", "mode=1777"],
                ],
            ])
    }

    @Test func whatIsDoneOutsideIsLeftOut() throws {
        let linux: JSONObject = [
            "cgroupsPath": "/pod", "maskedPaths": ["/proc/kcore"], "resources": ["pids": ["limit": 9]],
            "seccomp": ["defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent"],
        ]
        let json = try translated([], linux).json
        #expect(json["root"] == ["path": "/share/root", "readonly": true])
        #expect(json["hostname"] == nil)
        #expect(json["process"] == ["args": ["/bin/true"], "cwd": "/", "user": ["uid": 7, "gid": 8]])
        #expect(json["hooks"] == ["startContainer": [["path": "/bin/b"]]])
        #expect(
            json["linux"] == [
                "maskedPaths": ["/proc/kcore"], "seccomp": ["defaultAction": "SCMP_ACT_ALLOW"],
                "resources": ["pids": ["limit": 9]],
                "namespaces": [["type": "pid"], ["type": "mount"], ["type": "cgroup"]],
            ])
    }

    static let refused: [(mount: JSONValue, reason: String)] = [
        (["destination": "/x", "type": "nfs", "source": "a:/b"], "file systems of type nfs are the host's"),
        (["destination": "/x", "type": "bind", "source": "/sys", "options": ["rbind"]], "/sys is the host's kernel's"),
        (["destination": "/dev/", "type": "bind", "source": "/dev", "options": ["rbind"]], "devices are the host's"),
        (
            ["destination": "/x", "type": "bind", "source": "/dev/null", "options": ["bind"]],
            "/dev/null is neither a file nor a directory"
        ),
    ]

    @Test("a mount that no machine can have is refused by name", arguments: refused)
    func refusesMounts(_ row: (mount: JSONValue, reason: String)) {
        let said = message { _ = try translated([row.mount]) }
        #expect(said.hasPrefix("config.json: /mounts/1: a virtual machine cannot be given "))
        #expect(said.contains(row.reason))
    }
}
