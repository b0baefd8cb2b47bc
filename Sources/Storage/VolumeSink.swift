internal import HostSystem

/// Where the files of a volume go.
protocol VolumeSink {
    /// Begins a member, a regular file, whose bytes are to follow, or a directory; `name` is its path in the volume.
    mutating func begin(_ name: String, _ status: FileStatus) throws
    /// Adds bytes of the file that was begun.
    mutating func write(_ bytes: [UInt8]) throws
    /// Ends a file.
    mutating func end() throws
}

/// The error of a volume that is larger than `limit` bytes.
func tooLarge(_ limit: UInt64) -> Failure {
    Failure("it takes more than \(limit >> 20) MiB (org.swiftlet.unikernel.volume-limit.NAME)")
}
