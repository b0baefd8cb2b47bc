# What the documents say is there: links lead somewhere, examples can be read and name what the runtime knows.

load helpers

documents() { find "$repository" -maxdepth 1 -name '*.md' && find "$repository/Specs" "$repository/Tests" -name '*.md' -not -path '*/.*'; }

@test "links of documents lead to files, and to headings that they have" {
    need_command python3
    documents | python3 -c '
import os, re, sys

def anchors(path):
    """The names by which the headings of a document are linked to."""
    with open(path) as file:
        headings = re.findall(r"^#+ (.*)$", file.read(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

links, problems = 0, []
for path in map(str.strip, sys.stdin):
    with open(path) as file:
        text = re.sub(r"```.*?```", "", file.read(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        links += 1
        name, _, anchor = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(to):
            problems.append(f"{path}: {target}: no such file")
        elif anchor and to.endswith(".md") and anchor not in anchors(to):
            problems.append(f"{path}: {target}: no such heading")
print("\n".join(problems) or f"# {links} links")
sys.exit(bool(problems) or links < 100)' || fail 'links that lead nowhere'
}

@test "the examples for clusters can be read, and name the handler and annotations that there are" {
    need_command python3
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not installed"
    run /usr/bin/python3 - "$repository" <<'PYTHON'
import pathlib
import sys
import yaml

folder = pathlib.Path(sys.argv[1]) / 'Specs/examples'


def pairs(value):
    """Every key with its value, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield key, inner
        yield from pairs(inner)


for path in sorted(folder.glob('*.yaml')):
    for document in yaml.safe_load_all(path.read_text()):
        assert document.get('kind') or document.get('provider'), f'{path}: of no kind'
        for key, value in pairs(document):
            if key in ('handler', 'runtimeClassName', 'com.openfaas.profile'):
                print('handler', value)
            elif str(key).startswith('org.swiftlet.'):
                print('annotation', key)
PYTHON
    equal "$status" 0 "status, with $output,"
    local kind name handlers
    handlers=$(sed -n 's/^\[.*containerd\.runtimes\.\([a-z-]*\)\]$/\1/p' "$repository/Specs/examples/containerd.toml")
    while read -r kind name; do
        case $kind in
        handler) grep -qx "$name" <<<"$handlers" || fail "containerd.toml has no handler $name" ;;
        annotation) grep -qE "\`${name##*.}\`" "$repository/Specs/annotations.md" || fail "Specs/annotations.md has no $name" ;;
        esac
    done <<<"$output"
    expect_contains 'handler swiftlet'
    expect_contains 'annotation org.swiftlet.unikernel.vaccel'
}

@test "messages in the guide for trouble are the program's" {
    need_command python3
    run python3 - "$repository" <<'PYTHON'
import pathlib
import re
import sys

repository = pathlib.Path(sys.argv[1])
sources = ''.join(path.read_text() for path in (repository / 'Sources').rglob('*.swift')).replace('\\"', '"')
# Literals that go on in the next line.
sources = re.sub(r'"\s*\+ "|\\\n\s*', '', sources)
messages = re.findall(r'^\| `([^`]+)` \|', (repository / 'Specs/guides/troubleshooting.md').read_text(), re.M)
assert len(messages) > 5, 'the table was not found'
for message in messages:
    # What is in capitals is filled in.
    fixed = [part.strip(' :/') for part in re.split(r'"?\$?\b[A-Z]+\b"?|\.\.\.', message)]
    missing = [part for part in fixed if len(part) > 3 and part not in sources]
    assert any(len(part) > 3 for part in fixed) and not missing, f'{message}: nobody says {missing}'
PYTHON
    equal "$status" 0 "status, with $output,"
}

@test "the comments of all library targets become pages, and their links lead somewhere" {
    need_command swift
    need_command docc
    run timeout 250 "$repository/Hack/documentation" "$TEST_DIR/pages"
    equal "$status" 0 "status, with $output,"
    local target
    for target in "$repository"/Sources/*/; do
        target=$(basename "$target")
        # Programs and the C side have no page.
        [[ -d $TEST_DIR/pages/data/documentation/${target,,} || $target =~ ^C[A-Z] || $target == swiftlet* ]] ||
            fail "no page of $target"
    done
}
