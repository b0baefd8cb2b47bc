public import GuestModel

/// The monitors that are known; of several that can boot a guest the first one is taken.
public let monitors: [any Monitor] = [
    Solo5SPT(),
    Solo5HVT(),
    Solo5SPTProgram(),
    Solo5HVTProgram(),
    QEMU(),
    Firecracker(),
    CloudHypervisor(),
]
