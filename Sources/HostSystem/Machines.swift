internal import CLinux

/// Loads a kernel module from an open file, which may be compressed where the kernel can undo that. See finit_module(2).
public func loadModule(_ file: Int32, named name: String, isCompressed: Bool) throws(HostError) {
    try check("finit_module", name, lx_load_module(file, isCompressed ? 1 : 0))
}

/// The host name of this UTS namespace. See gethostname(2).
public func hostName() -> String { name(isDomain: false) }

/// The NIS domain name of this UTS namespace; empty where there is none. See getdomainname(2).
public func domainName() -> String {
    let name = name(isDomain: true)
    return name == "(none)" ? "" : name
}

private func name(isDomain: Bool) -> String {
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
        // SAFETY: the kernel writes at most the buffer's length; UInt8 and CChar have the same layout.
        let result = unsafe buffer.withMemoryRebound(to: CChar.self) {
            unsafe isDomain ? lx_domain_name($0.baseAddress, $0.count) : lx_host_name($0.baseAddress, $0.count)
        }
        count = result < 0 ? 0 : 256
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}

/// Writes what is not written yet and switches the machine off; returns only by throwing. See reboot(2).
public func powerOff() throws(HostError) { try check("reboot", "power off", lx_power_off()) }

/// Lets this process have as many files open as its hard limit allows. See getrlimit(2).
public func raiseFileLimit() throws(HostError) { try check("setrlimit", "RLIMIT_NOFILE", lx_raise_file_limit()) }
