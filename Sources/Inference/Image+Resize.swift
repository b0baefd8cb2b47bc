public import HostLibraries

extension Image {
    /// The image in another size, bilinear: a triangle over the nearest pixels, as wide as what one pixel covers when
    /// the image becomes smaller, so that every pixel counts.
    ///
    /// - Returns: nil for a size of no pixels.
    public func resized(width newWidth: Int, height newHeight: Int) -> Image? {
        if newWidth == width, newHeight == height { return self }
        guard newWidth > 0, newHeight > 0 else { return nil }
        let columns = weights(from: width, to: newWidth)
        let rows = weights(from: height, to: newHeight)
        let narrowed = narrow(columns, newWidth)
        var result = [UInt8](repeating: 0, count: newWidth * newHeight * channels)
        let stride = newWidth * channels
        for (y, row) in rows.enumerated() {
            for x in 0..<stride {
                var sum: Float = 0
                for (index, weight) in row.factors.enumerated() {
                    sum += weight * narrowed[(row.first + index) * stride + x]
                }
                result[y * stride + x] = UInt8(max(0, min(255, sum.rounded())))
            }
        }
        return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
    }

    /// The rows, each of `newWidth` pixels.
    private func narrow(_ columns: [Weights], _ newWidth: Int) -> [Float] {
        var result = [Float](repeating: 0, count: newWidth * height * channels)
        var place = 0
        for y in 0..<height {
            let start = y * width * channels
            for column in columns {
                for channel in 0..<channels {
                    var sum: Float = 0
                    var source = start + column.first * channels + channel
                    for weight in column.factors {
                        sum += weight * Float(pixels[source])
                        source += channels
                    }
                    result[place] = sum
                    place += 1
                }
            }
        }
        return result
    }

    /// The middle of the image, without what is outside `width` x `height`; nil when it is smaller.
    public func cropped(width newWidth: Int, height newHeight: Int) -> Image? {
        guard newWidth <= width, newHeight <= height else { return nil }
        let left = (width - newWidth) / 2
        let top = (height - newHeight) / 2
        var result = [UInt8]()
        result.reserveCapacity(newWidth * newHeight * channels)
        for y in top..<top + newHeight {
            let start = (y * width + left) * channels
            result += pixels[start..<start + newWidth * channels]
        }
        return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
    }
}

/// Which pixels one pixel of the result is made of, and how much each counts; together 1.
private struct Weights {
    let first: Int
    let factors: [Float]
}

private func weights(from size: Int, to newSize: Int) -> [Weights] {
    let scale = Float(size) / Float(newSize)
    let reach = max(1, scale)
    return (0..<newSize).map { index in
        let centre = (Float(index) + 0.5) * scale
        let first = max(0, Int((centre - reach + 0.5).rounded(.down)))
        let end = max(first + 1, min(size, Int((centre + reach + 0.5).rounded(.down))))
        let heights = (first..<end).map { max(0, 1 - abs((Float($0) + 0.5 - centre) / reach)) }
        let sum = heights.reduce(0, +)
        guard sum > 0 else { return Weights(first: min(first, size - 1), factors: [1]) }
        return Weights(first: first, factors: heights.map { $0 / sum })
    }
}
