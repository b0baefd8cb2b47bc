// swift-tools-version: 6.2
import PackageDescription

/// Set by `Hack/build release`: link a position-independent static executable, which needs `--disable-local-rpath`
/// on the command line (glibc's static-PIE start-up asserts that there is no RUNPATH).
let staticPIE = Context.environment["SWIFTLET_STATIC_PIE"] != nil

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // One macro world for every imported C module: without it fd_set differs between them in debug builds.
    .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"]),
    // Fewer pages are touched at start-up, and nothing here is bound by the processor. Each function has a section of its
    // own, so that the linker can leave it out, though it be public, and put it in order.
    .unsafeFlags(
        ["-Osize", "-Xfrontend", "-function-sections", "-Xfrontend", "-internalize-at-link"],
        .when(configuration: .release)),
]

let strictC: [CSetting] = [
    .define("_GNU_SOURCE"),
    .unsafeFlags(["-Wall", "-Wextra", "-Werror", "-fPIE", "-fstack-protector-strong"]),
]

/// The release executable is static: it starts several times faster than a dynamic one and needs nothing on the host.
/// Nothing unwinds its stack, so it has no tables for that (link.ld). Not position independent, it is placed at 1 GiB, so that the
/// low addresses belong to an spt guest.
let staticLink: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-executable", "-use-ld=lld", "-Xlinker", "--icf=all", "-Xlinker", "--no-eh-frame-hdr"]
            + ["-Xlinker", "--script=\(Context.packageDirectory)/Sources/swiftlet/link.ld"]
            // What a command needs is together in the file, see Hack/order.
            + ["-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/Sources/swiftlet/order.txt"]
            + ["-Xlinker", "--no-warn-symbol-ordering"]
            // The names of all characters are half a MiB. Nothing asks for one (Unicode.Scalar.Properties.name).
            + ["-Xlinker", "--defsym=_swift_stdlib_getScalarName=abort"]
            + (staticPIE
                ? ["-Xclang-linker", "-static-pie", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"]
                : ["-Xlinker", "--image-base=0x40000000"])
            + ["-Xlinker", "-z", "-Xlinker", "now"],
        .when(configuration: .release))
]

/// The agent opens libraries at run time, so it needs the C library as a shared one, and nothing else: the driver of the
/// linker reads libraries.cfg before all other words, so that what is in there comes from archives.
let agentLink: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-use-ld=lld", "-Xlinker", "--icf=all", "-Xlinker", "-z", "-Xlinker", "now"]
            + ["-Xclang-linker", "--config=\(Context.packageDirectory)/Sources/swiftlet-vaccel/libraries.cfg"],
        .when(configuration: .release))
]

/// Without the module of regular expressions, whose names are visible otherwise: a call of one by mistake, a split at a
/// string for example, makes a static executable larger by more than a MiB.
let small: [SwiftSetting] = [.unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + small)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "swiftlet",
    products: [
        .executable(name: "swiftlet", targets: ["swiftlet"]),
        .executable(name: "swiftlet-vaccel", targets: ["swiftlet-vaccel"]),
    ],
    targets: [
        // edges: the kernel and the C libraries
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CCapability", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CJSON", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
        .target(name: "CLinux", exclude: ["Libraries"], cSettings: strictC, linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "HostSystem", dependencies: ["CLinux", "CSeccomp", "CCapability", "CJSON"], exclude: ["Libraries"],
            swiftSettings: strict),
        // edges: libraries that the agent opens at run time; no part of the runtime
        .target(name: "CLibraries", path: "Sources/CLinux/Libraries", cSettings: strictC),
        .target(
            name: "HostLibraries", dependencies: ["CLibraries", "CLinux", "HostSystem"],
            path: "Sources/HostSystem/Libraries",
            swiftSettings: strict),
        // agent: what it computes with
        library("Inference", ["HostLibraries", "HostSystem"]),
        // read
        library("OCISpec", ["HostSystem"]),
        library("OCIBundle", ["HostSystem", "OCISpec"]),
        library("HostConfiguration", ["HostSystem"]),
        library("EngineConfiguration", ["HostSystem"]),
        // decide
        library("GuestModel", []),
        library("Frameworks", ["GuestModel"]),
        library("Monitors", ["GuestModel"]),
        library(
            "LaunchPlanning",
            ["GuestModel", "Frameworks", "Monitors", "OCISpec", "OCIBundle", "HostConfiguration", "HostSystem"]),
        // act
        library("Networking", ["HostSystem", "GuestModel"]),
        library("Storage", ["HostSystem", "LaunchPlanning", "OCIBundle"]),
        library("Solo5Tender", ["CLinux", "HostSystem", "GuestModel"]),
        library("VsockDevice", ["CLinux", "HostSystem"]),
        library("ServiceManager", ["HostSystem"]),
        library("Criu", ["HostSystem"]),
        library("Sandboxing", ["HostSystem", "OCISpec", "LaunchPlanning", "ServiceManager"]),
        library("Supervision", ["HostSystem", "GuestModel", "LaunchPlanning", "Solo5Tender", "VsockDevice"]),
        library("ContainerState", ["HostSystem", "OCISpec"]),
        library(
            "Lifecycle",
            [
                "HostSystem", "OCISpec", "OCIBundle", "HostConfiguration", "GuestModel", "LaunchPlanning", "Networking",
                "Sandboxing", "Storage", "Supervision", "ContainerState", "Criu",
            ]),
        // agent
        library("VAccelProtocol", ["HostLibraries"]),
        library("VAccelAgent", ["HostLibraries", "HostSystem", "Inference", "VAccelProtocol"]),
        library("VAccelCommand", ["HostSystem", "VAccelAgent"]),
        .executableTarget(
            name: "swiftlet-vaccel", dependencies: ["VAccelCommand"], exclude: ["libraries.cfg"], swiftSettings: strict,
            linkerSettings: agentLink),
        // edges: the command line
        library(
            "Commands",
            [
                "EngineConfiguration", "HostSystem", "HostConfiguration", "OCISpec", "LaunchPlanning", "Lifecycle",
                "Storage",
            ]),
        .executableTarget(
            name: "swiftlet", dependencies: ["Commands"], exclude: ["link.ld", "order.txt"], swiftSettings: strict,
            linkerSettings: staticLink),
        .target(name: "GuestImages", path: "Tests/GuestImages", swiftSettings: strict),
        .target(name: "TestSupport", dependencies: ["HostSystem"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("HostSystemTests", ["HostSystem", "TestSupport"]),
        tests("InferenceTests", ["HostLibraries", "HostSystem", "Inference", "TestSupport"]),
        tests("GuestModelTests", ["GuestModel", "GuestImages"]),
        tests("FrameworksTests", ["Frameworks", "GuestImages", "GuestModel"]),
        tests("Solo5TenderTests", ["Solo5Tender", "GuestImages", "GuestModel", "HostSystem", "CLinux"]),
        tests("VsockDeviceTests", ["CLinux", "HostSystem", "TestSupport", "VsockDevice"]),
        tests("OCISpecTests", ["HostSystem", "OCISpec", "TestSupport"]),
        tests("OCIBundleTests", ["HostSystem", "OCIBundle", "OCISpec", "TestSupport"]),
        tests("HostConfigurationTests", ["HostConfiguration", "HostSystem", "TestSupport"]),
        tests("EngineConfigurationTests", ["EngineConfiguration", "HostSystem"]),
        tests(
            "LaunchPlanningTests",
            [
                "Frameworks", "Monitors", "GuestImages", "GuestModel", "HostConfiguration", "HostSystem",
                "LaunchPlanning",
                "OCIBundle", "TestSupport",
            ]),
        tests("StorageTests", ["HostSystem", "LaunchPlanning", "Storage", "TestSupport"]),
        tests("ServiceManagerTests", ["ServiceManager"]),
        tests("CriuTests", ["Criu"]),
        tests("SandboxingTests", ["HostSystem", "OCISpec", "Sandboxing", "ServiceManager", "TestSupport"]),
        tests("SupervisionTests", ["Supervision"]),
        tests("ContainerStateTests", ["ContainerState", "HostSystem", "OCISpec", "TestSupport"]),
        tests("LifecycleTests", ["ContainerState", "HostSystem", "Lifecycle", "OCISpec", "TestSupport"]),
        tests("VAccelProtocolTests", ["HostLibraries", "VAccelProtocol"]),
        tests(
            "VAccelAgentTests",
            ["HostLibraries", "HostSystem", "TestSupport", "VAccelAgent", "VAccelCommand", "VAccelProtocol"]),
        tests("CommandsTests", ["Commands", "HostSystem", "TestSupport"]),
    ]
)
