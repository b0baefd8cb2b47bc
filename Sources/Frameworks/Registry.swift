public import GuestModel

/// The frameworks that are known, in the order in which they look at a file.
public let frameworks: [any Framework] = [
    MirageOS(),
    Rumprun(),
    Solo5(),
    Unikraft(),
    Hermit(),
    OSv(),
    Nanos(),
    Mewz(),
    Linux(),
    PVH(),
]
