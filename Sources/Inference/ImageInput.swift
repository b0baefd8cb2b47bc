public import HostLibraries

/// How a model takes an image: what its input's shape and the settings beside it say together.
public struct ImageInput: Equatable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// 1 for grey, 3 for colours.
    public let channels: Int
    /// 32-bit floating point numbers, or samples as they are.
    public let type: ElementType
    /// The dimensions of the tensor.
    public let shape: [Int]
    private let settings: ModelSettings
    private let colourFirst: Bool

    /// Fits an input to images.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when no image can be given to it.
    public init(_ port: ModelPort, settings: ModelSettings) throws(LibraryError) {
        let shown = "[" + port.shape.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
        guard let type = port.type, type == .float32 || type == .uint8 else {
            throw .invalid("the model's input \"\(port.name)\" takes no samples of 32-bit floats or bytes")
        }
        guard port.shape.count == 4 || port.shape.count == 3 else {
            throw .invalid("the model's input \"\(port.name)\" of shape \(shown) takes no image")
        }
        let image = Array(port.shape.suffix(3))
        let first = settings.layout.map { $0 == .colourFirst } ?? Self.isColour(image[0])
        guard let channels = first ? image[0] : image[2], channels == 1 || channels == 3 else {
            throw .invalid("the model's input \"\(port.name)\" of shape \(shown) has neither one colour nor three")
        }
        guard let height = (first ? image[1] : image[0]) ?? settings.height,
            let width = (first ? image[2] : image[1]) ?? settings.width,
            (1...4096).contains(height), (1...4096).contains(width)
        else {
            throw .invalid("the model's input of shape \(shown) takes any size, and its settings name none")
        }
        if port.shape.count == 4, let images = port.shape[0], images != 1 {
            throw .invalid("the model's input of shape \(shown) takes \(images) images at once")
        }
        self.width = width
        self.height = height
        self.channels = channels
        self.type = type
        self.settings = settings
        colourFirst = first
        let one = first ? [channels, height, width] : [height, width, channels]
        shape = port.shape.count == 4 ? [1] + one : one
    }

    private static func isColour(_ dimension: Int?) -> Bool { dimension == 1 || dimension == 3 }

    /// The tensor of an image, which is made to fit first.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when the image has other channels.
    public func tensor(of image: Image) throws(LibraryError) -> Tensor {
        guard image.channels == channels else {
            throw .invalid("an image of \(image.channels) channels for a model that takes \(channels)")
        }
        let image = try fitted(image)
        let count = width * height
        if type == .uint8 {
            var bytes = [UInt8](repeating: 0, count: count * channels)
            for (place, source) in places { bytes[place] = image.pixels[source] }
            return try Tensor(type: type, shape: shape, bytes: bytes)
        }
        // Once for each of the 256 values a sample can have.
        let tables = (0..<channels).map { channel in
            let mean = settings.mean.count == 1 ? settings.mean[0] : settings.mean[channel % settings.mean.count]
            let std = settings.std.count == 1 ? settings.std[0] : settings.std[channel % settings.std.count]
            return (0...255).map { (Float($0) * settings.range / 255 - mean) / std }
        }
        var numbers = [Float](repeating: 0, count: count * channels)
        for (place, source) in places {
            let channel = colourFirst ? place / count : place % channels
            numbers[place] = tables[channel][Int(image.pixels[source])]
        }
        return try Tensor(shape: shape, numbers)
    }

    /// Every place in the tensor with the place in the image that it is taken from.
    private var places: [(Int, Int)] {
        let count = width * height
        let reversed = channels == 3 && settings.colours == .bgr
        return (0..<count * channels).map { place in
            let channel = colourFirst ? place / count : place % channels
            let pixel = colourFirst ? place % count : place / channels
            return (place, pixel * channels + (reversed ? 2 - channel : channel))
        }
    }

    /// Where a point of the input is in the image that was made to fit, in pixels, inside it.
    func place(x: Float, y: Float, in image: Image) -> (x: Int, y: Int) {
        let size = scaledSize(of: image)
        let left = Float(size.width - width) / 2
        let top = Float(size.height - height) / 2
        let found = (
            (x + left.rounded(.down)) * Float(image.width) / Float(size.width),
            (y + top.rounded(.down)) * Float(image.height) / Float(size.height)
        )
        return (
            Int(max(0, min(Float(image.width), found.0.rounded()))),
            Int(max(0, min(Float(image.height), found.1.rounded())))
        )
    }

    /// Where a pixel of an image is in `planes` that a model gave for it; nil where the model did not see it.
    func source(x: Int, y: Int, of image: Image, in planes: Planes) -> (x: Int, y: Int)? {
        let size = scaledSize(of: image)
        let across = (Float(x) + 0.5) * Float(size.width) / Float(image.width) - Float((size.width - width) / 2)
        let down = (Float(y) + 0.5) * Float(size.height) / Float(image.height) - Float((size.height - height) / 2)
        guard across >= 0, down >= 0, across < Float(width), down < Float(height) else { return nil }
        return (
            min(planes.width - 1, Int(across * Float(planes.width) / Float(width))),
            min(planes.height - 1, Int(down * Float(planes.height) / Float(height)))
        )
    }

    /// The size that an image is brought to before what is too much of it is cut off.
    private func scaledSize(of image: Image) -> (width: Int, height: Int) {
        guard settings.fit == .crop else { return (width, height) }
        // The side that is relatively shorter decides.
        if image.width * height < image.height * width {
            return (width, max(height, (image.height * width + image.width / 2) / image.width))
        }
        return (max(width, (image.width * height + image.height / 2) / image.height), height)
    }

    private func fitted(_ image: Image) throws(LibraryError) -> Image {
        let size = scaledSize(of: image)
        // A strip of one pixel's width, made as wide as the model wants it, would be too long for any memory.
        guard size.width * size.height <= 1 << 25,
            let fitted = image.resized(width: size.width, height: size.height)?.cropped(width: width, height: height)
        else {
            throw .invalid("an image of \(image.width) x \(image.height) pixels cannot be cut to \(width) x \(height)")
        }
        return fitted
    }
}
