internal import HostLibraries

/// A picture in colours that is drawn on.
struct Canvas {
    private let width: Int
    private let height: Int
    private var pixels: [UInt8]

    /// A picture of another image: a grey one in colours that are all alike.
    init(_ image: Image) {
        (width, height) = (image.width, image.height)
        pixels = image.channels == 3 ? image.pixels : image.pixels.flatMap { [$0, $0, $0] }
    }

    /// A picture of another image's size, with a colour for each pixel; black where there is none.
    init(like image: Image, _ color: (_ x: Int, _ y: Int) -> [UInt8]?) {
        (width, height) = (image.width, image.height)
        pixels = []
        pixels.reserveCapacity(3 * width * height)
        for y in 0..<height {
            for x in 0..<width { pixels += color(x, y) ?? [0, 0, 0] }
        }
    }

    /// What was drawn.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when there is no pixel.
    func image() throws(LibraryError) -> Image {
        guard let image = Image(width: width, height: height, channels: 3, pixels: pixels) else {
            throw .invalid("a picture of \(width) x \(height) pixels")
        }
        return image
    }

    /// The colour of a class: that of the PASCAL VOC challenge, in which the first one, the background, is black.
    static func color(of index: Int) -> [UInt8] {
        var color: [UInt8] = [0, 0, 0]
        var rest = UInt(truncatingIfNeeded: index)
        for bit in 0..<8 {
            for channel in 0..<3 {
                color[channel] |= UInt8(rest & 1) << (7 - bit)
                rest >>= 1
            }
        }
        return color
    }

    private mutating func set(_ x: Int, _ y: Int, _ color: [UInt8]) {
        guard x >= 0, x < width, y >= 0, y < height else { return }
        let place = 3 * (y * width + x)
        pixels.replaceSubrange(place..<place + 3, with: color)
    }

    /// Draws the edge of a rectangle, inside it; what is outside of the picture is left out.
    mutating func drawBox(left: Int, top: Int, right: Int, bottom: Int, _ color: [UInt8]) {
        guard left < right, top < bottom else { return }
        // Some hundredth of the picture, so that it is seen in a large one too.
        let line = min(max(1, max(width, height) / 200), right - left, bottom - top)
        for step in 0..<line {
            for x in left..<right {
                set(x, top + step, color)
                set(x, bottom - 1 - step, color)
            }
            for y in top..<bottom {
                set(left + step, y, color)
                set(right - 1 - step, y, color)
            }
        }
    }

    /// Draws a cross at a point.
    mutating func drawCross(x: Int, y: Int, _ color: [UInt8]) {
        let reach = max(1, max(width, height) / 50)
        for step in -reach...reach {
            set(x + step, y, color)
            set(x, y + step, color)
        }
    }
}
