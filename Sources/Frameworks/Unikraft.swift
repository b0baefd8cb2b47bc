public import GuestModel

/// Unikraft unikernels: words for its libraries, then `--`, then those of the application.
///
/// See lib/ukargparse, lib/uklibparam and lib/ukboot of Unikraft. What a build has no parameter for is not told.
public struct Unikraft: Framework {
    /// `unikraft`
    public let name = "unikraft"
    /// It has no other name.
    public let aliases: [String] = []

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: a file with sections of Unikraft's, or one that is said to be Unikraft's.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        let isNamed = isNamed(by: candidate)
        guard isNamed || candidate.soundELF != nil else { return nil }
        let elf = try candidate.elf
        guard isNamed || UnikraftImage.mayBe(elf) else { return nil }
        let image = try UnikraftImage(elf, in: candidate.bytes)
        guard image.isCertain || isNamed else { return nil }
        // Somebody may have stripped all sections; where there are some, Unikraft's are among them.
        guard image.isCertain || !elf.hasSections else {
            throw GuestError("file has no section of unikraft's (.uk_inittab, .uk_libinfo ...)")
        }
        let isMultiboot = try MultibootHeader(in: candidate.bytes) != nil
        guard isMultiboot || elf.is64Bit else {
            throw GuestError("unikraft image is 32-bit and has no multiboot header: no monitor boots that")
        }
        var guest = Guest(
            framework: name, path: candidate.path, bootProtocols: [isMultiboot ? .multiboot : .linux64], devices: [],
            hardware: Self.hardware(image, isMultiboot: isMultiboot), version: image.version,
            leastMemoryBytes: min(elf.physicalEnd, Guest.mostMemory))
        guest.options = image.parameters
        return guest
    }

    /// An image for QEMU has virtio on PCI and resets by what a PC has; one for Firecracker has virtio-mmio.
    private static func hardware(_ image: UnikraftImage, isMultiboot: Bool) -> GuestHardware {
        GuestHardware(
            // It switches a PC off by ACPI.
            transports: [isMultiboot ? .pci : .mmio], needsACPI: isMultiboot, needsPC: isMultiboot,
            takesInitrd: true,
            needsRandomInstructions: image.needsRandomInstructions,
            // The images for Firecracker are built without: it has no such device.
            fileSharing: isMultiboot ? [.plan9] : [])
    }

    /// The name where the loader does not put it in front, parameters for the network, the initial RAM disk and the
    /// environment, and the words of the process.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        // A loader of the multiboot protocol puts the image's path in front, as one word.
        let isNamed = boot.bootProtocol == .multiboot
        let name = try isNamed ? [] : [Self.quoted(argument: process.programName ?? "unikraft", 0)]
        var arguments: [String] = []
        if let line = process.commandLine {
            arguments = [line]
        } else {
            for (index, word) in zip(process.words.indices, process.words) {
                arguments.append(try Self.quoted(argument: word, index))
            }
        }
        let limits = UnikraftLimits(
            bytes: UnikraftLimits.mostBytes - (isNamed ? UnikraftLimits.loaderBytes : 0),
            words: UnikraftLimits.mostWords - (isNamed ? 1 : 0))
        try limits.check(arguments, beside: name.count)
        let parameters = try UnikraftParameters(boot).words(beside: name + ["--"] + arguments, limits)
        let words = name + Self.separated(parameters, arguments, boot) + arguments
        return try BootWords.checked(words.joined(separator: " "), limit: limits.bytes, for: Self.guest)
    }

    /// The parameters and what ends them; nothing where the application's words need no such end.
    private static func separated(_ parameters: [String], _ arguments: [String], _ boot: GuestBoot) -> [String] {
        // A build without parameters gives every word to the application, also the end of parameters.
        if boot.options.isEmpty { return [] }
        if !parameters.isEmpty { return parameters + ["--"] }
        // An end counts where something is in front of it; a word without a dot is passed over.
        if boot.process.commandLine == nil, arguments.contains("--") { return ["-", "--"] }
        // Firecracker puts words for its devices in front of the end, or behind everything.
        return boot.bootProtocol == .linux64 ? ["-", "--"] : []
    }

    static let guest = "a unikraft guest"

    private static func quoted(argument word: String, _ index: Int) throws(GuestError) -> String {
        guard !word.isEmpty else { throw BootWords.cannotPass(argument: index, "is empty", to: guest) }
        guard !word.utf8.contains(0) else { throw BootWords.cannotPass(argument: index, "holds a NUL byte", to: guest) }
        return quoted(word)
    }

    /// A word that is not empty, as the tokeniser takes it for one: between single quotes everything stands for itself,
    /// between double ones a backslash and a double quote want a backslash.
    static func quoted(_ word: String) -> String {
        if word.utf8.allSatisfy({ $0 > 32 && $0 != 34 && $0 != 39 && $0 != 92 }) { return word }
        if !word.utf8.contains(39) { return "'\(word)'" }
        let escaped = word.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"\(escaped.joined())\""
    }
}
