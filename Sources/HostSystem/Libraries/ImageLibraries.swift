internal import CLibraries
import HostSystem

/// Pixels: rows from the top, one byte a sample.
public struct Image: Equatable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Samples of a pixel: 1 for grey, 3 for red, green and blue.
    public let channels: Int
    /// Samples: width x height x channels bytes.
    public let pixels: [UInt8]

    /// An image of `pixels`; nil when there are not exactly as many as the dimensions say.
    public init?(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        guard width > 0, height > 0, width <= 1 << 20, height <= 1 << 20, channels == 1 || channels == 3,
            pixels.count == width * height * channels
        else { return nil }
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}

/// JPEG files, by libjpeg-turbo's TurboJPEG interface.
@safe public final class JPEGLibrary {
    private let library: SharedLibrary
    private var functions: lx_jpeg

    /// Opens the library.
    ///
    /// - Parameter path: The operator's own; nil for Debian's libturbojpeg0.
    /// - Throws: ``LibraryError`` of kind `ENOENT`, or `ENOSYS` when it lacks a function.
    public init(path: String? = nil) throws(LibraryError) {
        let candidates = path.map { [$0] } ?? ["libturbojpeg.so.0"]
        library = try SharedLibrary(firstOf: candidates, for: "the JPEG library")
        // SAFETY: the functions have the types that turbojpeg.h gives them under these names since version 1.4.
        unsafe functions = lx_jpeg()
        unsafe functions.start = try library.symbol("tjInitDecompress")
        unsafe functions.header = try library.symbol("tjDecompressHeader3")
        unsafe functions.pixels = try library.symbol("tjDecompress2")
        unsafe functions.end = try library.symbol("tjDestroy")
        unsafe functions.error = try library.symbol("tjGetErrorStr2")
        unsafe functions.severity = try library.symbol("tjGetErrorCode")
    }

    /// Width and height that a file's header announces.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL`.
    public func size(of file: Span<UInt8>) throws(LibraryError) -> (width: Int, height: Int) {
        var width: Int32 = 0
        var height: Int32 = 0
        try unsafe libraryCall("JPEG image") { text, size in
            unsafe file.withUnsafeBytes { bytes in
                // SAFETY: address and length belong together; the rest is our own for the call.
                unsafe lx_jpeg_size(
                    &functions, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &width, &height,
                    text, size)
            }
        }
        return (Int(width), Int(height))
    }

    /// The pixels of a file whose header announced `width` and `height`.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` when the file is cut off or damaged.
    public func pixels(of file: Span<UInt8>, width: Int, height: Int, channels: Int) throws(LibraryError) -> [UInt8] {
        try unsafe decoded(width, height, channels) { output throws(LibraryError) in
            try unsafe libraryCall("JPEG image") { text, size in
                unsafe file.withUnsafeBytes { bytes in
                    // SAFETY: the buffer has width x height x channels bytes, which is all that is written.
                    unsafe lx_jpeg_decode(
                        &functions, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
                        output.baseAddress, Int32(width), Int32(height), Int32(channels), text, size)
                }
            }
        }
    }
}

/// PNG files, by libpng's simplified interface.
@safe public final class PNGLibrary {
    private let library: SharedLibrary
    private var functions: lx_png

    /// Opens the library.
    ///
    /// - Parameter path: The operator's own; nil for Debian's libpng16-16.
    /// - Throws: ``LibraryError`` of kind `ENOENT`, or `ENOSYS` when it lacks a function.
    public init(path: String? = nil) throws(LibraryError) {
        let candidates = path.map { [$0] } ?? ["libpng16.so.16"]
        library = try SharedLibrary(firstOf: candidates, for: "the PNG library")
        // SAFETY: the functions have the types that png.h gives them under these names since version 1.6.
        unsafe functions = lx_png()
        unsafe functions.begin = try library.symbol("png_image_begin_read_from_memory")
        unsafe functions.finish = try library.symbol("png_image_finish_read")
        unsafe functions.release = try library.symbol("png_image_free")
        unsafe functions.write = try library.symbol("png_image_write_to_memory")
    }

    /// Width and height that a file's header announces.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL`.
    public func size(of file: Span<UInt8>) throws(LibraryError) -> (width: Int, height: Int) {
        var width: UInt32 = 0
        var height: UInt32 = 0
        try unsafe libraryCall("PNG image") { text, size in
            unsafe file.withUnsafeBytes { bytes in
                // SAFETY: address and length belong together; the rest is our own for the call.
                unsafe lx_png_size(
                    &functions, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &width, &height,
                    text, size)
            }
        }
        return (Int(width), Int(height))
    }

    /// The pixels of a file whose header announced `width` and `height`; what is transparent is laid on white.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` when the file is cut off or damaged.
    public func pixels(of file: Span<UInt8>, width: Int, height: Int, channels: Int) throws(LibraryError) -> [UInt8] {
        try unsafe decoded(width, height, channels) { output throws(LibraryError) in
            try unsafe libraryCall("PNG image") { text, size in
                unsafe file.withUnsafeBytes { bytes in
                    // SAFETY: the buffer has width x height x channels bytes, which is all that is written.
                    unsafe lx_png_decode(
                        &functions, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
                        output.baseAddress, UInt32(width), UInt32(height), Int32(channels), text, size)
                }
            }
        }
    }

    /// The PNG file of an image.
    ///
    /// - Throws: ``LibraryError`` with libpng's reason.
    public func file(of image: Image) throws(LibraryError) -> [UInt8] {
        // Stored without compression it has a byte more a row, 5 more a block of 64 KiB, and headers.
        var size = image.pixels.count + image.pixels.count / 256 + image.height + 4096
        var file = [UInt8](repeating: 0, count: size)
        try unsafe libraryCall("PNG image of \(image.width) x \(image.height)") { text, textSize in
            unsafe file.withUnsafeMutableBufferPointer { output in
                // SAFETY: pixels has width x height x channels bytes; `size` is the room in the buffer.
                unsafe lx_png_encode(
                    &functions, image.pixels, UInt32(image.width), UInt32(image.height), Int32(image.channels),
                    output.baseAddress, &size, text, textSize)
            }
        }
        file.removeSubrange(size...)
        return file
    }
}

/// An array of exactly the size of an image, filled by `body`.
private func decoded(
    _ width: Int, _ height: Int, _ channels: Int,
    _ body: (UnsafeMutableBufferPointer<UInt8>) throws(LibraryError) -> Void
) throws(LibraryError) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: width * height * channels)
    var failure: LibraryError?
    // SAFETY: the buffer is the array's own and is not kept.
    unsafe pixels.withUnsafeMutableBufferPointer { output in
        do throws(LibraryError) { try unsafe body(output) } catch { failure = error }
    }
    if let failure { throw failure }
    return pixels
}
