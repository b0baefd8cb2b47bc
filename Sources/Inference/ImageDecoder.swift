public import HostLibraries

/// JPEG and PNG files to pixels, within limits that are checked before memory is taken.
///
/// The libraries are opened when a file of their kind comes first.
public final class ImageDecoder {
    /// What is decoded at most.
    public struct Limits: Equatable, Sendable {
        /// The most pixels in one direction.
        public var side = 16384
        /// The most pixels of an image.
        public var pixels = 1 << 25

        /// 16384 in one direction, 32 Mi in all, unless said otherwise.
        public init() {}
    }

    private let limits: Limits
    private let jpegPath: String?
    private let pngPath: String?
    private var jpeg: JPEGLibrary?
    private var png: PNGLibrary?

    /// A decoder that opens Debian's libraries.
    ///
    /// - Parameters:
    ///   - limits: What is decoded at most.
    ///   - jpegPath: The operator's own libturbojpeg.
    ///   - pngPath: The operator's own libpng.
    public init(limits: Limits = .init(), jpegPath: String? = nil, pngPath: String? = nil) {
        self.limits = limits
        self.jpegPath = jpegPath
        self.pngPath = pngPath
    }

    /// Opens both libraries now, for a process that will not be able to later.
    ///
    /// - Returns: Why one of them cannot be opened; files of its kind are refused then.
    public func openLibraries() -> [LibraryError] {
        var failures = [LibraryError]()
        do throws(LibraryError) { _ = try jpegLibrary() } catch { failures.append(error) }
        do throws(LibraryError) { _ = try pngLibrary() } catch { failures.append(error) }
        return failures
    }

    /// The pixels of a file.
    ///
    /// - Parameters:
    ///   - file: The content of a JPEG or PNG file.
    ///   - channels: 1 for grey, 3 for red, green and blue, whatever the file has.
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when it is neither, cut off, damaged or too large,
    ///   `ENOENT` when the library is not there.
    public func decode(_ file: [UInt8], channels: Int) throws(LibraryError) -> Image {
        guard channels == 1 || channels == 3 else { throw .invalid("an image of \(channels) channels") }
        let size: (width: Int, height: Int)
        let pixels: [UInt8]
        switch kind(of: file) {
        case .jpeg:
            let library = try jpegLibrary()
            size = try within(try library.size(of: file.span))
            pixels = try library.pixels(
                of: file.span, width: size.width, height: size.height, channels: channels)
        case .png:
            let library = try pngLibrary()
            size = try within(try library.size(of: file.span))
            pixels = try library.pixels(
                of: file.span, width: size.width, height: size.height, channels: channels)
        case nil: throw .invalid("the image of \(file.count) bytes is neither JPEG nor PNG")
        }
        guard let image = Image(width: size.width, height: size.height, channels: channels, pixels: pixels) else {
            throw .invalid("an image of \(size.width) x \(size.height) pixels")
        }
        return image
    }

    /// The PNG file of an image.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `ENOENT` when libpng is not there.
    public func encodePNG(_ image: Image) throws(LibraryError) -> [UInt8] {
        try pngLibrary().file(of: image)
    }

    private func within(_ size: (width: Int, height: Int)) throws(LibraryError) -> (width: Int, height: Int) {
        guard size.width > 0, size.height > 0, size.width <= limits.side, size.height <= limits.side,
            size.width * size.height <= limits.pixels
        else {
            throw .invalid(
                "an image of \(size.width) x \(size.height) pixels; at most \(limits.side) in one direction and "
                    + "\(limits.pixels) in all are decoded")
        }
        return size
    }

    private enum Kind { case jpeg, png }

    /// By the first bytes: JPEG's SOI and the next marker, PNG's signature.
    private func kind(of file: [UInt8]) -> Kind? {
        if file.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        return nil
    }

    private func jpegLibrary() throws(LibraryError) -> JPEGLibrary {
        if let jpeg { return jpeg }
        let opened = try JPEGLibrary(path: jpegPath)
        jpeg = opened
        return opened
    }

    private func pngLibrary() throws(LibraryError) -> PNGLibrary {
        if let png { return png }
        let opened = try PNGLibrary(path: pngPath)
        png = opened
        return opened
    }
}
