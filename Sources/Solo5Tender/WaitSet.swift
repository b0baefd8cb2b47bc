import CLinux
import HostSystem

/// The epoll set and the timer of a guest's `yield`: readable as soon as a frame arrives or the time is over.
struct WaitSet {
    /// The epoll descriptor.
    let descriptor: Int32
    /// The timerfd in it.
    let timer: Int32

    /// Makes the set with the timer and every net device of `attachments`; a device's token is its handle.
    init(_ attachments: [GuestBinary.Attachment]) throws(HostError) {
        descriptor = try check("epoll_create1", "", lx_wait_set())
        timer = try check("timerfd_create", "", lx_wait_timer())
        try check("epoll_ctl", "timer", lx_wait_set_add(descriptor, timer, UInt64(LX_TIMER_TOKEN)))
        for attachment in attachments {
            guard case .net = attachment.device.kind else { continue }
            // A guest asks for a frame and must hear at once that there is none.
            try check("fcntl", attachment.device.name, lx_set_nonblocking(attachment.device.descriptor, 1))
            try check(
                "epoll_ctl", attachment.device.name,
                lx_wait_set_add(descriptor, attachment.device.descriptor, UInt64(attachment.handle)))
        }
    }
}
