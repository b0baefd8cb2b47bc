import HostSystem
import Lifecycle

/// A container's time line as a picture: a bar for each step, which says what it is where a reader points at it. See SVG 1.1.
struct TracePicture {
    private let trace: ContainerTrace
    private let rows: [TraceRow]
    /// What all takes, in nanoseconds; never 0.
    private let total: Int64

    private static let labelWidth: Int64 = 170
    private static let barsWidth: Int64 = 760
    private static let timeWidth: Int64 = 100
    private static let rowHeight: Int64 = 20
    private static let headHeight: Int64 = 56

    init(_ trace: ContainerTrace) {
        self.trace = trace
        rows = TraceRow.rows(of: trace)
        total = max(1, rows.map { $0.began + $0.duration }.max() ?? 1)
    }

    /// The document.
    var text: String {
        let (width, height) = (Self.labelWidth + Self.barsWidth + Self.timeWidth, bottom + 12)
        let kind = trace.guest.isEmpty ? "container" : trace.guest
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="10" y="20" font-size="14" font-weight="bold">\(trace.id): \(kind), \
            \(TraceRow.milliseconds(total)) ms</text>

            """ + scale + rows.enumerated().map(bar).joined() + "</svg>\n"
    }

    private var bottom: Int64 { Self.headHeight + Int64(rows.count) * Self.rowHeight }

    /// Where a time is, from the left.
    private func place(_ time: Int64) -> Int64 { Self.labelWidth + time * Self.barsWidth / total }

    /// Lines at round times: five to ten of them.
    private var scale: String {
        // 1, 2 or 5 times a power of ten.
        var (step, factors) = (Int64(1000), [Int64(2), 5, 10])
        var decade = step
        while total / step > 10 {
            let factor = factors.removeFirst()
            step = decade * factor
            factors.append(factor)
            if factor == 10 { decade = step }
        }
        return stride(from: 0, through: total, by: Int(step)).map { time in
            let x = place(time)
            return """
                <line x1="\(x)" y1="42" x2="\(x)" y2="\(bottom)" stroke="#dddddd"/>
                <text x="\(x)" y="38" text-anchor="middle" fill="#777777">\(TraceRow.milliseconds(time))</text>

                """
        }.joined()
    }

    private func bar(_ number: Int, _ row: TraceRow) -> String {
        let y = Self.headHeight + Int64(number) * Self.rowHeight
        let (x, width) = (place(row.began), max(1, place(row.began + row.duration) - place(row.began)))
        let color =
            switch row.kind {
            case .command: "#1f4e79"
            case .step: "#5b9bd5"
            case .pause: "#c9c9c9"
            }
        let indent = row.kind == .step ? 22 : 10
        let time = TraceRow.milliseconds(row.duration)
        return """
            <g><title>\(row.name): \(time) ms\(row.meaning.isEmpty ? "" : ", \(row.meaning)")</title>
            <text x="\(indent)" y="\(y + 13)">\(row.name)</text>
            <rect x="\(x)" y="\(y + 3)" width="\(width)" height="\(Self.rowHeight - 6)" fill="\(color)"/>
            <text x="\(x + width + 4)" y="\(y + 13)" fill="#333333">\(time)</text></g>

            """
    }
}
