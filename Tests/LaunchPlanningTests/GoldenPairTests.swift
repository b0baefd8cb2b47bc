import Frameworks
import GuestImages
import GuestModel
import HostSystem
import Monitors
import TestSupport
import Testing

@testable import LaunchPlanning

/// A guest of a framework in one of the forms that it has.
struct GuestForm: Sendable, CustomTestStringConvertible {
    let framework: String
    let form: String
    let bundle: TestBundle

    init(_ framework: String, _ form: String, _ image: [UInt8], _ change: (inout TestBundle) -> Void = { _ in }) {
        self.framework = framework
        self.form = form
        bundle = TestBundle(image).with(change)
    }

    var testDescription: String { "\(framework)-\(form)" }

    /// What becomes of it under a monitor: the plan, or the error.
    func outcome(under monitor: String) -> JSONValue {
        let bundle = bundle.with { $0.annotations.append(("org.swiftlet.unikernel.monitor", monitor)) }
        do {
            return try bundle.plan().json
        } catch {
            return ["error": .string("\(error)")]
        }
    }
}

/// Every framework under every monitor that is known: Tests/Golden/pairs has a file for each form of guest, with the plan or
/// the error under each monitor's name.
@Suite struct GoldenPairTests {
    private static func type(_ name: String) -> (inout TestBundle) -> Void {
        { $0.annotations.append(("org.swiftlet.unikernel.type", name)) }
    }

    private static func solo5(_ target: UInt32, symbol: String? = nil) -> [UInt8] {
        var elf = Solo5Builder(target: target, code: target == 3 ? multibootHeader() + [0xF4] : [0xF4]).elf
        elf.symbolNames = symbol.map { [$0] } ?? []
        return elf.image
    }

    private static func unikraft(isMultiboot: Bool) -> [UInt8] {
        var builder = UnikraftBuilder()
        builder.isMultiboot = isMultiboot
        return builder.elf.image
    }

    static let forms: [GuestForm] = [
        GuestForm("solo5", "spt", solo5(2)), GuestForm("solo5", "hvt", solo5(1)),
        GuestForm("solo5", "virtio", solo5(3)), GuestForm("solo5", "xen", solo5(6)),
        GuestForm("mirage", "spt", solo5(2, symbol: "caml_startup")),
        GuestForm("mirage", "hvt", solo5(1, symbol: "caml_startup")),
        GuestForm("mirage", "virtio", solo5(3, symbol: "caml_startup")),
        GuestForm("rumprun", "spt", solo5(2, symbol: "rump_init")),
        GuestForm("rumprun", "hvt", solo5(1, symbol: "rump_init")),
        GuestForm("unikraft", "qemu", unikraft(isMultiboot: true)),
        GuestForm("unikraft", "firecracker", unikraft(isMultiboot: false)),
        GuestForm("linux", "bzimage", bzImage(), type("linux")),
        GuestForm("linux", "vmlinux", kernel(notes: note("Linux", 0x100, [1, 0, 0, 0])).image, type("linux")),
        GuestForm("pvh", "own", Images.pvh),
        GuestForm("pvh", "other", kernel().image, type("pvh")),
        GuestForm("hermit", "multiboot", hermitApplication().image) {
            $0.files.append(("/hermit-loader", hermitLoader().image))
        },
        GuestForm("hermit", "linux", hermitApplication().image) {
            $0.files.append(("/hermit-loader-x86_64-linux", hermitLoader(isMultiboot: false).image))
        },
        GuestForm("osv", "loader", osvKernel().image) { $0.arguments = ["/unikernel", "/hello", "a b"] },
        GuestForm("osv", "bzimage", bzImage()) {
            $0.arguments = ["/unikernel", "/hello"]
            type("osv")(&$0)
        },
        GuestForm("nanos", "disk", bootDisk(), type("nanos")),
        GuestForm("nanos", "kernel", kernel().image, type("nanos")),
        GuestForm("mewz", "qemu", mewzKernel().image),
    ]

    @Test("what becomes of a guest under each monitor is as recorded", arguments: forms)
    func golden(_ form: GuestForm) throws {
        let outcomes = monitors.map { (key: $0.name, value: form.outcome(under: $0.name)) }
        let actual = JSONValue.object(JSONObject(outcomes)).text(indented: true) + "\n"
        let file = "\(form.testDescription).json"
        #expect(try GoldenFiles("Tests/Golden/pairs").expected(file, actual: actual) == actual)
    }

    @Test("who cannot boot a guest says who could", arguments: forms)
    func namesWhatWouldBeNeeded(_ form: GuestForm) throws {
        for monitor in monitors {
            guard let error = form.outcome(under: monitor.name)["error"]?.string else { continue }
            let isHelpful = error.hasSuffix(" is needed") || error.hasSuffix(", which no monitor boots")
            #expect(isHelpful, "\(monitor.name): \(error)")
        }
    }

    @Test func hasEveryFramework() {
        #expect(Set(Self.forms.map(\.framework)) == Set(frameworks.map(\.name)))
    }
}
