import HostLibraries
import HostSystem
import Inference
import TestSupport
import Testing

@Suite struct ImageTests {
    private let decoder = ImageDecoder()

    /// Digits are blocks of one shade, which JPEG keeps.
    @Test(
        "the same picture as JPEG and PNG has the same pixels",
        .enabled(if: jpegIsThere && pngIsThere, "needs libturbojpeg0 and libpng16-16"),
        arguments: ["zero", "four", "nine"])
    func samePicture(name: String) throws {
        for channels in [1, 3] {
            let png = try decoder.decode(try file("\(digits)/images/\(name).png"), channels: channels)
            let jpeg = try decoder.decode(try file("\(digits)/images/\(name).jpg"), channels: channels)
            #expect(png.width == 64 && png.height == 64 && png.channels == channels)
            #expect(jpeg.width == 64 && jpeg.height == 64)
            let far = zip(png.pixels, jpeg.pixels).filter { abs(Int($0) - Int($1)) > 12 }.count
            #expect(far < png.pixels.count / 20, "\(far) samples differ")
        }
    }

    @Test("a PNG of colours keeps them", .enabled(if: pngIsThere, "needs libpng16-16"))
    func colours() throws {
        let pixels: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 0, 0, 0, 255, 255, 255]
        let image = try #require(Image(width: 3, height: 2, channels: 3, pixels: pixels))
        let file = try decoder.encodePNG(image)
        #expect(try decoder.decode(file, channels: 3) == image)
        let grey = try decoder.decode(file, channels: 1).pixels
        #expect(grey.last == 255 && grey[4] == 0 && grey[1] > grey[0] && grey[0] > grey[2])
    }

    @Test(
        "what is neither is refused",
        arguments: [[], [0xFF], Array("GIF89a......".utf8), [UInt8](repeating: 0, count: 99)])
    func neither(file: [UInt8]) throws {
        #expect(try kind { _ = try decoder.decode(file, channels: 3) } == invalid)
    }

    @Test(
        "a file cut off anywhere is refused",
        .enabled(if: jpegIsThere && pngIsThere, "needs libturbojpeg0, libpng16-16"),
        arguments: ["three.png", "three.jpg"])
    func truncated(name: String) throws {
        let whole = try file("\(digits)/images/\(name)")
        #expect(try decoder.decode(whole, channels: 1).width == 64)
        // The last bytes of a PNG are an empty chunk, of a JPEG the mark of the end.
        for length in 0..<whole.count - 24 {
            #expect(try kind { _ = try decoder.decode(Array(whole[..<length]), channels: 1) } == invalid, "\(length)")
        }
    }

    /// A header that announces more than there is memory for: nothing of that size is ever allocated.
    @Test("an image larger than the limits is refused by its header", .enabled(if: pngIsThere && jpegIsThere))
    func huge() throws {
        var png = try file("\(digits)/images/one.png")
        png.replaceSubrange(16..<24, with: [0x00, 0x0F, 0x42, 0x40, 0x00, 0x0F, 0x42, 0x40])
        let sum = crc(png[12..<29])
        png.replaceSubrange(29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) })
        let reason = message { _ = try decoder.decode(png, channels: 3) }
        #expect(reason.contains("1000000 x 1000000"), "\(reason)")

        var jpeg = try file("\(digits)/images/one.jpg")
        let frame = try #require(jpeg.indices.dropLast(9).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        let second = message { _ = try decoder.decode(jpeg, channels: 3) }
        #expect(second.contains("65500 x 65500"), "\(second)")

        var limits = ImageDecoder.Limits()
        limits.pixels = 64 * 64 - 1
        let narrow = ImageDecoder(limits: limits)
        let sound = try file("\(digits)/images/one.png")
        #expect(try kind { _ = try narrow.decode(sound, channels: 1) } == invalid)
    }

    /// In a process of their own: the libraries are C.
    @Test("damaged files never end the process", .enabled(if: pngIsThere && jpegIsThere), arguments: [1, 2])
    func damaged(seed: Int) async {
        await #expect(processExitsWith: .success) { [seed] in
            var random = Scatter(UInt64(seed))
            let decoder = ImageDecoder()
            for name in ["five.png", "five.jpg", "two.png", "two.jpg"] {
                let whole = try file("\(digits)/images/\(name)")
                for _ in 0..<400 {
                    var changed = whole
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        changed[Int.random(in: 3..<changed.count, using: &random)] = UInt8.random(
                            in: 0...255, using: &random)
                    }
                    _ = try? decoder.decode(changed, channels: Bool.random(using: &random) ? 1 : 3)
                }
            }
        }
    }

    @Test("a missing library is named")
    func missingLibrary() throws {
        let decoder = ImageDecoder(jpegPath: "/nonexistent/libturbojpeg.so", pngPath: "/nonexistent/libpng.so")
        for name in ["one.jpg", "one.png"] {
            let image = try file("\(digits)/images/\(name)")
            #expect(try kind { _ = try decoder.decode(image, channels: 1) } == missing)
        }
        let failures = decoder.openLibraries()
        #expect(failures.count == 2 && failures.allSatisfy { "\($0)".contains("/nonexistent/lib") })
    }

    private func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }
}

@Suite struct ResizeTests {
    private func grey(_ width: Int, _ height: Int, _ shade: (Int, Int) -> Int) throws -> Image {
        let pixels = (0..<width * height).map { UInt8(clamping: shade($0 % width, $0 / width)) }
        return try #require(Image(width: width, height: height, channels: 1, pixels: pixels))
    }

    @Test("one colour stays one colour", arguments: [(1, 1), (3, 5), (64, 64), (200, 7)])
    func flat(width: Int, height: Int) throws {
        let image = try grey(13, 9) { _, _ in 77 }
        let resized = try #require(image.resized(width: width, height: height))
        #expect(resized.width == width && resized.height == height)
        #expect(resized.pixels.allSatisfy { $0 == 77 })
    }

    @Test("half the size weighs a pixel's two neighbours with one to three")
    func halved() throws {
        let image = try grey(4, 1) { x, _ in [0, 100, 200, 40][x] }
        // Triangles two pixels wide to each side, and what is outside does not count: (3a + 3b + c) / 7.
        let resized = try #require(image.resized(width: 2, height: 1))
        let left = Double(0 * 3 + 100 * 3 + 200) / 7
        let right = Double(100 + 200 * 3 + 40 * 3) / 7
        #expect(resized.pixels == [UInt8(left.rounded()), UInt8(right.rounded())])
    }

    @Test("twice the size lies between the neighbours")
    func doubled() throws {
        let image = try grey(2, 1) { x, _ in [0, 100][x] }
        #expect(try #require(image.resized(width: 4, height: 1)).pixels == [0, 25, 75, 100])
    }

    @Test("channels do not mix")
    func channels() throws {
        let image = try #require(Image(width: 2, height: 1, channels: 3, pixels: [0, 100, 7, 200, 100, 7]))
        #expect(try #require(image.resized(width: 1, height: 1)).pixels == [100, 100, 7])
    }

    @Test("the middle is what is kept")
    func cropped() throws {
        let image = try grey(4, 4) { x, y in 10 * y + x }
        #expect(try #require(image.cropped(width: 2, height: 2)).pixels == [11, 12, 21, 22])
        #expect(image.cropped(width: 5, height: 1) == nil)
    }
}
