internal import CLinux

/// The logarithm of `value` to base 2. See log2(3).
public func binaryLogarithm(_ value: Double) -> Double { lx_log2(value) }

/// `base` to the power of `exponent`. See pow(3).
public func power(_ base: Double, _ exponent: Double) -> Double { lx_pow(base, exponent) }
