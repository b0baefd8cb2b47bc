public import HostLibraries
public import HostSystem

/// The models an operator offers: a directory with, for each, `NAME.onnx`, and beside it perhaps `NAME.labels`, a name
/// of a class on each line, and `NAME.json`, see ``ModelSettings``.
public struct ModelDirectory: Sendable {
    /// The directory.
    public let path: String

    /// Models below `path`.
    public init(_ path: String) {
        self.path = path
    }

    /// A model's files.
    public struct Entry: Sendable {
        /// What the model is called: the file's name without `.onnx`.
        public let name: String
        /// The model.
        public let file: ModelFile
        /// The names of the classes.
        public let labels: [String]
        /// How it is used.
        public let settings: ModelSettings
        /// Whether the settings are from a file.
        public let hasSettings: Bool
    }

    /// The names of the models, sorted.
    ///
    /// - Throws: ``HostSystem/HostError`` when the directory cannot be read.
    public func names() throws(HostError) -> [String] {
        let directory = try open(path, flags: [.readOnly, .directory])
        let files = try entries(of: directory.raw, named: path).map(\.name)
        return files.filter { $0.hasSuffix(".onnx") && $0.utf8.count > 5 }.map { String($0.dropLast(5)) }.sorted()
    }

    /// Reads a model's files.
    ///
    /// - Parameter name: One of ``names()``; a name with a slash or a leading dot is no model's.
    /// - Throws: ``HostLibraries/LibraryError`` of kind `ENOENT` when there is no such model, `EINVAL` when one of its
    ///   files is not what it should be.
    public func entry(_ name: String) throws(LibraryError) -> Entry {
        guard isModelName(name) else { throw .missing("no model is called \"\(bounded(name))\"") }
        do {
            let file = try ModelFile(try read("\(name).onnx", limit: ModelFile.mostBytes))
            let labels = exists("\(path)/\(name).labels") ? try lines("\(name).labels") : []
            let hasSettings = exists("\(path)/\(name).json")
            let settings =
                hasSettings
                ? try ModelSettings(try read("\(name).json", limit: 1 << 16), named: "\(path)/\(name).json") : .init()
            return Entry(name: name, file: file, labels: labels, settings: settings, hasSettings: hasSettings)
        } catch let error as LibraryError {
            throw LibraryError(errno: error.errno, "model \(path)/\(name): \(error)")
        } catch let error as HostError {
            throw LibraryError(errno: error.errno, "model \(path)/\(name): \(error)")
        } catch {
            throw .invalid("model \(path)/\(name): \(error)")
        }
    }

    /// What each of the models is for, without the models themselves.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` when the directory or one of the settings cannot be read.
    public func tasks() throws(LibraryError) -> [(name: String, task: ModelTask)] {
        do {
            return try names().map { name in
                guard exists("\(path)/\(name).json") else { return (name, .classify) }
                let document = "\(path)/\(name).json"
                return (name, try ModelSettings(try read("\(name).json", limit: 1 << 16), named: document).task)
            }
        } catch let error as LibraryError {
            throw error
        } catch let error as HostError {
            throw LibraryError(errno: error.errno, "models \(path): \(error)")
        } catch {
            throw .invalid("models \(path): \(error)")
        }
    }

    private func isModelName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    private func read(_ name: String, limit: Int) throws(HostError) -> [UInt8] {
        let file = try open("\(path)/\(name)", flags: .readOnly)
        return try readAll(file.raw, named: name, limit: limit)
    }

    private func lines(_ name: String) throws(HostError) -> [String] {
        let text = String(decoding: try read(name, limit: 1 << 20), as: UTF8.self)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            String(line.hasSuffix("\r") ? line.dropLast() : line)
        }
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
