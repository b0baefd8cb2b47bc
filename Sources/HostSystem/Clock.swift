internal import CLinux

/// Nanoseconds since some fixed point that never jumps. See clock_gettime(2) CLOCK_MONOTONIC.
public func monotonicNanoseconds() -> Int64 { lx_clock_nanoseconds(CLOCK_MONOTONIC) }

/// Nanoseconds since 1970-01-01T00:00:00Z. See clock_gettime(2) CLOCK_REALTIME.
public func wallClockNanoseconds() -> Int64 { lx_clock_nanoseconds(CLOCK_REALTIME) }
