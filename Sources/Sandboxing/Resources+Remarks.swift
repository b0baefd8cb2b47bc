public import OCISpec

extension Resources {
    /// What is asked for and has no effect on any kernel of today, for the log. See config-linux.md "Memory" of the
    /// runtime spec, where two of the properties are "not recommended".
    public var remarks: [String] {
        var remarks = [String]()
        if memory?.kernel ?? 0 != 0 || memory?.kernelTCP ?? 0 != 0 {
            // runc's words.
            remarks.append("Kernel memory settings are ignored and will be removed")
        }
        if memory?.useHierarchy == false {
            remarks.append("/linux/resources/memory/useHierarchy has no effect: the kernel always counts cgroups below")
        }
        return remarks
    }
}
