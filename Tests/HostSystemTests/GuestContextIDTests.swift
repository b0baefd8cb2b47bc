import Glibc
import TestSupport
import Testing

@testable import HostSystem

struct GuestContextIDTests {
    @Test func `a number that another guest has is passed over`() throws {
        var asked: [UInt32] = []
        let found = try GuestContextID.claim { number in
            asked.append(number)
            return asked.count < 4 ? -EADDRINUSE : 0
        }
        #expect(asked.count == 4)
        #expect(asked.last == found)
        #expect(Set(asked).count == 4)
        #expect(asked.allSatisfy(GuestContextID.usable.contains))
    }

    @Test func `another error is one, and so is a kernel that has no number left`() {
        var count = 0
        let said = message {
            _ = try GuestContextID.claim { _ in
                count += 1
                return -EINVAL
            }
        }
        #expect(said == "ioctl /dev/vhost-vsock: invalid argument")
        #expect(count == 1)
        #expect(
            message { _ = try GuestContextID.claim { _ in -EADDRINUSE } }
                == "ioctl /dev/vhost-vsock: address already in use")
    }
}
