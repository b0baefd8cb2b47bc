import CLinux
import HostSystem

/// A page shared by the supervisor and the monitor it forks, where the monitor leaves why the guest was stopped.
///
/// An spt guest lives in the monitor's own address space and can write there, so what is read back is taken for
/// hostile: fixed numbers are printed as numbers, text only as printable ASCII.
@safe public final class FaultRecord {
    let page: UnsafeMutablePointer<lx_fault>

    /// Makes an empty record, to be shared with every process forked from now on.
    ///
    /// - Throws: `HostError` when the page cannot be mapped.
    public init() throws {
        let address = try check("mmap", "shared page", Int(lx_shared_page()))
        // SAFETY: lx_shared_page returned the address of a page that is larger than the structure and never moves.
        guard let page = unsafe UnsafeMutablePointer<lx_fault>(bitPattern: address) else {
            throw Failure("cannot map a page at address zero")
        }
        unsafe self.page = page
    }

    deinit {
        // SAFETY: the page was mapped by init and nothing else keeps its address beyond this object's life.
        unsafe _ = lx_unmap(page, Int(LX_FAULT_PAGE))
    }

    /// Why the guest was stopped, in several lines with its registers; nil when there was no fault.
    public var report: String? {
        // SAFETY: the page is mapped as long as this object lives; one copy is taken, because it may change meanwhile.
        let fault = unsafe page.pointee
        switch fault.kind {
        case UInt32(LX_FAULT_REGISTERS): return RegisterReport(fault).text
        case UInt32(LX_FAULT_TEXT): return text(size: fault.text_size)
        case UInt32(LX_FAULT_REFUSED):
            return "cannot confine the guest: \(errorText(Int32(truncatingIfNeeded: fault.error & 0xFFF)))"
        default: return nil
        }
    }

    private func text(size: UInt32) -> String {
        let count = min(Int(size), Int(LX_FAULT_TEXT_SIZE))
        // SAFETY: at most the size of the text is read from a page that is mapped as long as this object lives.
        let bytes = unsafe withUnsafeBytes(of: &page.pointee.text) { unsafe [UInt8]($0.prefix(count)) }
        var result = ""
        for byte in bytes {
            let printable = byte == UInt8(ascii: "\n") || (0x20..<0x7F).contains(byte)
            result.unicodeScalars.append(Unicode.Scalar(printable ? byte : UInt8(ascii: "?")))
        }
        return result
    }

    /// Leaves `text`, cut to what the page holds.
    func record(_ text: String) {
        let bytes = [UInt8](text.utf8.prefix(Int(LX_FAULT_TEXT_SIZE)))
        // SAFETY: the bytes are cut to the size of the text, in a page that is mapped as long as this object lives.
        unsafe withUnsafeMutableBytes(of: &page.pointee.text) { unsafe $0.copyBytes(from: bytes) }
        unsafe page.pointee.text_size = UInt32(bytes.count)
        unsafe page.pointee.kind = UInt32(LX_FAULT_TEXT)
    }
}
