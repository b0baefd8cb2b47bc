public import HostSystem

/// The modules of a kernel, as depmod(8) lists them.
public struct KernelModules {
    private let directory: String
    /// The path of each module and those of the modules that it needs, by the module's name.
    private var needs: [String: [Substring]] = [:]
    private let builtIn: Set<String>

    /// Reads the lists in `directory`.
    ///
    /// - Throws: ``HostSystem/HostError`` when there is no modules.dep, or it cannot be read.
    public init(in directory: String) throws {
        self.directory = directory
        for line in try readText("\(directory)/modules.dep").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let path = words.first?.dropLast() else { continue }
            needs[Self.name(path)] = [path] + words.dropFirst()
        }
        let text = (try? readText("\(directory)/modules.builtin")) ?? ""
        builtIn = Set(text.split(separator: "\n").map(Self.name))
    }

    /// `virtio_net` for `kernel/drivers/net/virtio-net.ko.xz`: the kernel takes either sign.
    private static func name(_ path: Substring) -> String {
        let file = path.split(separator: "/").last ?? ""
        return String(file.prefix { $0 != "." }.map { $0 == "-" ? "_" : $0 })
    }

    /// Whether there is a module `name`, or the kernel has it in it.
    public func has(_ name: String) -> Bool { needs[name] != nil || builtIn.contains(name) }

    /// The modules' paths in the order of loading, what they need first; what is part of the kernel is left out.
    ///
    /// - Throws: ``HostSystem/Failure`` that names a module that is not there.
    public func paths(of names: [String]) throws(Failure) -> [String] {
        var paths: [String] = []
        for name in names {
            guard let line = needs[name] else {
                if builtIn.contains(name) { continue }
                throw Failure("the kernel with the modules in \(directory) has no \(name)")
            }
            for path in line.reversed() where !paths.contains(String(path)) { paths.append(String(path)) }
        }
        return paths
    }
}
