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
    /// A call that the guest wants and has not had yet; see ``callGuestLater()``.
    private(set) var owesCall = false
    private var owed = VirtQueue.Published()
    private var turnsOwed = 0

    /// The guest waits for a call no longer than for so many chains, so many bytes of its memory in them, or so many turns
    /// of other work.
    private static let mostOwed = 16
    private static let mostBytesOwed = 32 << 10

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
        if owesCall { callGuest() }
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
    mutating func callGuest() {
        (owesCall, owed, turnsOwed) = (false, VirtQueue.Published(), 0)
        if let call { lx_eventfd_raise(call.raw) }
    }

    /// Shows the guest what it has back, and calls it if it wants that, now or when several chains have come together.
    ///
    /// An interrupt costs a guest more than what it tells it: that chains it does not wait for are its own again. Where
    /// it does wait, because it has few left, or there is nothing else to do, it is called at once; and for much memory, of
    /// which it would take more from elsewhere.
    mutating func publish(callingLater isLater: Bool) {
        guard let fresh = queue?.publish() else { return }
        if fresh.wantsCall { owesCall = true }
        guard owesCall else { return }
        owed.chains += fresh.chains
        owed.bytes += fresh.bytes
        let isMuch = owed.chains >= min(Self.mostOwed, Int(size) / 4) || owed.bytes >= Self.mostBytesOwed
        if !isLater || isMuch { callGuest() }
    }

    /// Calls the guest if it was to be called later, unless other work goes on.
    mutating func callGuestLater(isIdle: Bool) {
        guard owesCall else { return }
        turnsOwed += 1
        if isIdle || turnsOwed >= Self.mostOwed { callGuest() }
    }
}
