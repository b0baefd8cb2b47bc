internal import CLinux

/// Keeps a container from overwriting this program through `/proc/PID/exe` (the class of CVE-2019-5736).
///
/// A container that runs `/proc/self/exe`, or a script whose interpreter that is, runs this very program; another process
/// in the container can then open it and write to it once it has ended. So process 1 of a container that runs programs is
/// made by a copy of this program that cannot be written to.
public enum SelfProtection {
    /// The variable by which the copy learns when the program began, for its time line.
    private static let beganName = "SWIFTLET_BEGAN"

    /// When the program began that this process was made a copy of, as ``monotonicNanoseconds()`` counts; nil in one that is
    /// no copy. The second caller gets nil: nobody else is to see the variable.
    public static func takeBeginning() -> Int64? {
        guard let text = Program.environment(beganName) else { return nil }
        // SAFETY: the name is a NUL-terminated string for the length of the call; nothing holds a pointer into the environment.
        unsafe lx_unset_environment(beganName)
        return Int64(text)
    }

    /// Replaces this process by itself, run from a read-only copy; returns when that is the case already.
    ///
    /// The copy is a private read-only mount of the program's file, which costs no memory, or else a sealed file in
    /// memory. See open_tree(2), mount_setattr(2), memfd_create(2).
    /// - Parameter began: When this process began, to be told to the copy.
    /// - Throws: ``HostError`` when neither can be made.
    public static func ensure(began: Int64? = nil) throws(HostError) {
        let program = try open("/proc/self/exe", flags: .pathOnly)
        if try mountFlags(of: program.raw).contains(.readOnly) { return }
        if try isSealed() { return }
        let copy = try readOnlyMount(of: program.raw)
        var words = Program.arguments
        if words.isEmpty { words = ["swiftlet"] }
        let told = began.map { ["\(beganName)=\($0)"] } ?? []
        try execute(descriptor: copy.raw, arguments: words, environment: currentEnvironment() + told)
    }

    private static func readOnlyMount(of program: Int32) throws(HostError) -> Descriptor {
        do throws(HostError) {
            let mount = try cloneMount("", in: program, recursive: false)
            try setMountAttributes(mount.raw, set: MountAttribute.readOnly, recursive: false)
            return mount
        } catch {
            return try sealedCopy()
        }
    }

    private static func sealedCopy() throws(HostError) -> Descriptor {
        let source = try open("/proc/self/exe", flags: .readOnly)
        let bytes = try readAll(source.raw, named: "/proc/self/exe", limit: 256 << 20)
        // SAFETY: the literal lives for the call.
        let copy = Descriptor(owning: try check("memfd_create", "swiftlet", unsafe lx_sealable_memfd("swiftlet")))
        try writeAll(bytes, to: copy.raw, named: "swiftlet")
        try check("fcntl", "F_ADD_SEALS", lx_seal(copy.raw))
        return copy
    }

    private static func isSealed() throws(HostError) -> Bool {
        let program = try open("/proc/self/exe", flags: .readOnly)
        return lx_is_sealed(program.raw) != 0
    }
}
