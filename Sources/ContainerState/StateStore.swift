internal import HostSystem

/// The directory in which every container has a directory of its own, named by its id.
public struct StateStore {
    /// The directory's path.
    public let root: String
    /// The mode it is made with.
    private let mode: UInt32

    /// Names the directory; it is made when the first container is.
    ///
    /// - Parameter isTemporary: Whether it is below XDG_RUNTIME_DIR. The sticky bit keeps what is there from being
    ///   cleaned up because it is old; see the XDG Base Directory Specification.
    public init(root: String, isTemporary: Bool = false) {
        self.root = root
        mode = isTemporary ? 0o1700 : 0o711
    }

    /// Makes the directory of a new container and locks it.
    ///
    /// - Throws: ``HostSystem/Failure`` when the id is taken; ``HostSystem/HostError`` when the directory cannot be made.
    public func make(id: String) throws -> ContainerDirectory {
        try makeDirectories(root, mode: mode)
        let path = "\(root)/\(id)"
        do {
            try makeDirectory(path, mode: 0o700)
        } catch {
            if error.isAlreadyThere { throw alreadyThere(id) }
            throw error
        }
        let directory: ContainerDirectory?
        do {
            directory = try lock(id)
        } catch {
            try? removeDirectory(path)
            throw error
        }
        guard let directory else { throw Failure("container \(id) was deleted while it was made") }
        // That may be the directory of another `create`, made when this one's had been deleted again.
        if directory.hasRecord { throw alreadyThere(id) }
        return directory
    }

    private func alreadyThere(_ id: String) -> Failure { Failure("container with id \(id) exists already in \(root)") }

    /// Locks a directory that was just made; nil when another command has had the lock in between and removed it.
    private func lock(_ id: String) throws(HostError) -> ContainerDirectory? {
        do throws(HostError) {
            let directory = try ContainerDirectory(path: "\(root)/\(id)", id: id, lock: true)
            guard try directory.isInPlace() else { return nil }
            return directory
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Opens the directory of a container.
    ///
    /// - Parameter lock: Whether to wait until no other command changes the container, and keep others waiting.
    /// - Returns: nil when there is no container of that id.
    public func open(id: String, lock: Bool) throws -> ContainerDirectory? {
        do {
            while true {
                let directory = try ContainerDirectory(path: "\(root)/\(id)", id: id, lock: lock)
                // Whoever held the lock before may have removed the directory, and another may have made it anew.
                guard lock else { return directory }
                if try directory.isInPlace() { return directory }
            }
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// The ids of all containers, sorted.
    public func ids() throws -> [String] {
        do {
            let directory = try HostSystem.open(root, flags: .directory)
            return try entries(of: directory.raw, named: root).filter(\.isDirectory).map(\.name).sorted()
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
    }
}
