internal import CLinux
internal import HostSystem

/// An open file that several may hold, closed with the last of them.
final class SharedDescriptor {
    let raw: Int32
    init(owning raw: Int32) { self.raw = raw }
    deinit { _ = Descriptor(owning: raw) }
}

/// A queue as the front-end sets it up, and the queue once it is.
struct QueueSetup {
    var size: UInt16 = 0
    var addresses: RingAddresses?
    var base: UInt16 = 0
    /// Readable when the guest has made chains available.
    var kick: SharedDescriptor?
    /// Where the guest is called, and whoever wants to know of errors.
    var call: SharedDescriptor?
    var error: SharedDescriptor?
    var isEnabled = false
    /// Whether the guest has broken the rules of it since it was set up.
    private var isBroken = false
    /// Whether it has not run since it was set up.
    private(set) var isFresh = true
    /// What ``base`` was when it was stopped; a driver that goes on begins there.
    var stoppedAt: UInt16 = 0

    var queue: VirtQueue?
    /// Whether the guest may have made chains available that were not taken.
    var hasRoom = false

    var isRunning: Bool { queue != nil }

    /// Whether everything is there to start it.
    var isComplete: Bool { kick != nil && addresses != nil && size > 0 && isEnabled && !isBroken }

    /// Starts it in `memory`.
    mutating func start(_ features: VirtQueue.Features, in memory: MemoryTable) throws {
        guard let addresses else { return }
        queue = try VirtQueue(size: size, addresses, base: base, features: features, in: memory)
        hasRoom = true
        isFresh = false
    }

    /// Stops it where it is.
    mutating func pause() {
        if let queue { base = queue.nextAvailable }
        queue = nil
        hasRoom = false
    }

    /// Stops it until it is set up anew, and closes what told of chains.
    mutating func stop() {
        pause()
        stoppedAt = base
        kick = nil
        isFresh = true
        isBroken = false
    }

    /// Stops it because of what the guest has put there.
    mutating func giveUp() {
        pause()
        isBroken = true
        if let error { lx_eventfd_raise(error.raw) }
    }

    /// Interrupts the guest.
    func callGuest() {
        if let call { lx_eventfd_raise(call.raw) }
    }
}
