import Testing

@testable import Commands

@Suite struct DocumentationTests {
    static let names = Catalogue.commands.map { $0.name }

    @Test("every option of a command is in its help and manual page", arguments: names)
    func documentsOptions(name: String) throws {
        let declaration = try Catalogue.command(named: name).declaration
        let help = Capture.run(name, "--help")
        let page = Capture.run("man", name)
        #expect(help.status == 0 && page.status == 0)
        #expect(help.output.hasPrefix("NAME:\n   swiftlet \(name) - \(declaration.summary)\n\nUSAGE:\n   "))
        #expect(help.output.contains("\n   swiftlet \(name) [command options]"))
        #expect(page.output.contains(".Dt SWIFTLET-\(name.uppercased()) 8\n"))
        for option in declaration.options {
            #expect(help.output.contains(option.fullHelp))
            for name in option.names {
                #expect(help.output.contains(Option.spelling(name)))
                #expect(page.output.contains("Fl \(Option.spelling(name).dropFirst())"))
            }
        }
        for positional in declaration.positionals {
            #expect(help.output.contains(positional.synopsis))
            let words = positional.kind == .program ? "\(positional.name) ..." : positional.name
            #expect(page.output.contains("Ar \(words)\n"))
        }
    }

    @Test("every option of a command is in the completions of every shell", arguments: names)
    func completesOptions(name: String) throws {
        let options = try Catalogue.command(named: name).declaration.options
        let bash = Capture.run("completion", "bash").output
        let zsh = Capture.run("completion", "zsh").output
        let fish = Capture.run("completion", "fish").output
        let words = options.flatMap(\.spellings).joined(separator: " ")
        #expect(bash.contains("\n        \(name)) words=\"\(words)\" ;;\n"))
        let start = try #require(zsh.firstRange(of: "\n    \(name))\n"))
        let end = try #require(zsh[start.upperBound...].firstRange(of: "\n        ;;\n"))
        let section = zsh[start.upperBound..<end.lowerBound]
        for option in options {
            for spelling in option.spellings {
                #expect(section.contains("'\(spelling)") || section.contains(")\(spelling)"))
            }
            let flags = option.names.map { $0.utf8.count == 1 ? "-s \($0)" : "-l \($0)" }.joined(separator: " ")
            #expect(fish.contains("-n '__fish_seen_subcommand_from \(name)' \(flags) "))
        }
    }

    @Test("the program's help, manual page and completions name every command and global option")
    func documentsProgram() {
        let help = Capture.run("--help").output
        let page = Capture.run("man").output
        #expect(help.hasPrefix("NAME:\n   swiftlet - Open Container Initiative runtime"))
        #expect(Capture.run().output == help)
        #expect(Capture.run("help").output == help)
        for command in Self.names {
            #expect(help.contains("\n   \(command) "))
            #expect(page.contains(".It Cm \(command)\n"))
            #expect(page.contains(".Xr swiftlet-\(command) 8"))
            #expect(Capture.run("help", command).output == Capture.run(command, "-h").output)
        }
        let scripts = Completion.shells.map { Capture.run("completion", $0).output }
        for option in GlobalOptions.all {
            #expect(help.contains("\n   \(HelpText.signature(option))"))
            #expect(page.contains(".It Fl -\(option.name)"))
            for script in scripts { #expect(script.contains(option.name)) }
        }
    }

    @Test("no two options of a command share a name", arguments: names)
    func namesAreUnique(name: String) throws {
        let names = try Catalogue.command(named: name).declaration.options.flatMap(\.names)
        #expect(Set(names).count == names.count)
    }

    @Test("--version has the lines that dockerd and podman read", arguments: [["--version"], ["-v"], ["-v", "list"]])
    func printsVersion(words: [String]) {
        let lines = Capture.run(words).output.split(separator: "\n")
        #expect(lines.first == "swiftlet version 0.1.0")
        #expect(lines.dropFirst().first == "spec: 1.3.0")
        #expect(lines.last?.hasPrefix("libseccomp: 2.") == true)
        // dockerd takes the rest of any line with this word for the version.
        #expect(lines.count { $0.contains("version") } == 1)
    }
}
