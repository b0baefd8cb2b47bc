/// When the steps of one command were done, one after the other: what `trace` draws, and a log line for each.
///
/// Times are nanoseconds of ``monotonicNanoseconds()``, which all processes of a machine share: what process 1 of a
/// container has done stands beside what the command did that waited for it.
public final class Timeline {
    /// A step, which began when the one before it ended.
    public struct Step: Equatable, Sendable {
        /// Its name: letters and hyphens.
        public let name: String
        /// When it began, and when it was done.
        public let began: Int64, ended: Int64

        /// How long it took, in nanoseconds.
        public var duration: Int64 { ended - began }
    }

    /// What was done: `create`.
    public let name: String
    /// When that began.
    public let began: Int64
    private var marks: [(name: String, time: Int64)] = []
    private let log: Log?
    /// Which container it is done for, for the log.
    private let container: String

    /// A time line without a step.
    ///
    /// - Parameter log: Gets a line for each step that is done, when its level is that of debugging.
    public init(_ name: String, began: Int64 = monotonicNanoseconds(), container: String = "", log: Log? = nil) {
        (self.name, self.began, self.container, self.log) = (name, began, container, log)
    }

    /// A step is done now, or was at `time`.
    public func mark(_ name: String, at time: Int64 = monotonicNanoseconds()) {
        let former = marks.last?.time ?? began
        marks.append((name, time))
        log?.step(name, of: self.name, container: container, nanoseconds: time - former)
    }

    /// Takes over what another process has done meanwhile, from its ``text``; nothing from a text that is none. That process
    /// may have been taken over by a guest: times are believed within this time line only.
    public func include(_ text: String) {
        let now = monotonicNanoseconds()
        for step in Timeline(text: text)?.steps ?? [] { mark(step.name, at: min(max(step.ended, began), now)) }
    }

    /// The steps, by when they were done.
    public var steps: [Step] {
        var former = began
        return marks.sorted { $0.time < $1.time }.map { mark in
            defer { former = mark.time }
            return Step(name: mark.name, began: former, ended: mark.time)
        }
    }

    /// When the last step was done.
    public var ended: Int64 { marks.map(\.time).max() ?? began }

    /// Its name and steps with their times: `create=8123 configuration=8456 plan=9012`.
    public var text: String { marks.reduce("\(name)=\(began)") { "\($0) \($1.name)=\($1.time)" } }

    /// Reads a ``text``; nil when it is none, or has names with other characters than steps have, or more than 100.
    public convenience init?(text: some StringProtocol) {
        let words = text.split(separator: " ").map { $0.split(separator: "=") }
        guard words.count <= 100 else { return nil }
        var marks = [(name: String, time: Int64)]()
        for word in words {
            guard word.count == 2, word[0].utf8.allSatisfy(Self.isOfName), let time = Int64(word[1]), time >= 0 else {
                return nil
            }
            marks.append((String(word[0]), time))
        }
        guard let first = marks.first else { return nil }
        self.init(first.name, began: first.time)
        self.marks = Array(marks.dropFirst())
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
