internal import HostSystem

/// The connections of a guest's server of files: made at `create`, used by process 1.
public struct FileServerLink {
    /// The monitor's connection to the server.
    public let share: Int32
    /// Where the server's complaints arrive; at its end it has ended.
    public let complaints: Int32

    /// A link.
    public init(share: Int32, complaints: Int32) {
        self.share = share
        self.complaints = complaints
    }
}

/// The supervisor's eye on a server of files, without which a guest would wait for ever.
final class FileServerWatch {
    private static let mostComplaints = 2048

    private let link: FileServerLink
    private var complaints: [UInt8] = []

    /// Whether the server runs.
    private(set) var runs = true

    init(_ link: FileServerLink) { self.link = link }

    /// What the monitor gets.
    var share: Int32 { link.share }

    /// The descriptor to wait for; negative for none.
    var watched: Int32 { runs ? link.complaints : -1 }

    /// Takes what the server has said, once ``watched`` can be read.
    func take() {
        let bytes = (try? readSome(link.complaints, named: "virtiofsd")) ?? []
        complaints = Array((complaints + bytes).suffix(Self.mostComplaints))
        if bytes.isEmpty { runs = false }
    }

    /// Why there are no files any more; nil while there are.
    var failure: String? {
        guard !runs else { return nil }
        let words = String(decoding: complaints, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
        return "the guest's server of files has ended" + (words.isEmpty ? "" : ": \(words)")
    }
}
