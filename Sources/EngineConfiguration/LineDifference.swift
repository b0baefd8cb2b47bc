/// The difference of two texts as patch(1) reads it.
public enum LineDifference {
    private static let context = 3

    private enum Step { case same, removed, added }

    /// The unified difference; empty when the texts are equal.
    ///
    /// - Parameters:
    ///   - old: The text before; nil when there was no file.
    ///   - new: The text after; nil when there is no file any more.
    public static func unified(_ old: [UInt8]?, _ new: [UInt8]?, path: String) -> String {
        let before = OwnLines.lines(of: old ?? []), after = OwnLines.lines(of: new ?? [])
        let steps = steps(before, after)
        var text = "--- \(old == nil ? "/dev/null" : path)\n+++ \(new == nil ? "/dev/null" : path)\n"
        var left = 0, right = 0, index = 0
        var isEqual = true
        while let change = steps[index...].firstIndex(where: { $0 != .same }) {
            isEqual = false
            let start = max(index, change - context)
            left += start - index
            right += start - index
            let end = end(of: steps, from: change)
            var hunk = ""
            let first = (left, right)
            for step in steps[start..<end] {
                let line = step == .added ? after[right] : before[left]
                hunk += step == .same ? " " : step == .added ? "+" : "-"
                hunk += String(decoding: line, as: UTF8.self)
                if line.last != 10 { hunk += "\n\\ No newline at end of file\n" }
                if step != .added { left += 1 }
                if step != .removed { right += 1 }
            }
            text += "@@ -\(range(first.0, left)) +\(range(first.1, right)) @@\n\(hunk)"
            index = end
        }
        return isEqual ? "" : text
    }

    /// Where the hunk ends that begins with a change: after lines that are too many to be between two changes.
    private static func end(of steps: [Step], from change: Int) -> Int {
        var last = change
        for index in change..<steps.count where steps[index] != .same {
            guard index - last <= 2 * context + 1 else { break }
            last = index
        }
        return min(last + 1 + context, steps.count)
    }

    private static func range(_ from: Int, _ to: Int) -> String {
        to == from ? "\(from),0" : "\(from + 1),\(to - from)"
    }

    /// How one text becomes the other with as few lines changed as possible: their longest common subsequence.
    private static func steps(_ before: [ArraySlice<UInt8>], _ after: [ArraySlice<UInt8>]) -> [Step] {
        let width = after.count + 1
        var common = [Int32](repeating: 0, count: (before.count + 1) * width)
        for left in before.indices.reversed() {
            for right in after.indices.reversed() {
                common[left * width + right] =
                    before[left] == after[right]
                    ? common[(left + 1) * width + right + 1] + 1
                    : max(common[(left + 1) * width + right], common[left * width + right + 1])
            }
        }
        var steps: [Step] = []
        var left = 0, right = 0
        while left < before.count || right < after.count {
            if left < before.count, right < after.count, before[left] == after[right] {
                steps.append(.same)
                left += 1
                right += 1
            } else if right == after.count
                || left < before.count && common[(left + 1) * width + right] >= common[left * width + right + 1]
            {
                steps.append(.removed)
                left += 1
            } else {
                steps.append(.added)
                right += 1
            }
        }
        return steps
    }
}
