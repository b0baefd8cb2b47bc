# Shared by new-monitor and new-framework, which source it behind lib.sh.

# Checks a name that users are to see, and sets `name` and `type`, the Swift type that stands for it.
take_name() { # NAME
    name=$1
    [[ $name =~ ^[a-z][a-z0-9]*(-[a-z0-9]+)*$ ]] ||
        die "\"$name\": expected small letters and digits, words joined by hyphens"
    local word
    type=
    # shellcheck disable=SC2086
    for word in ${name//-/ }; do type+=${word^}; done
}

# Fails when something has the name already, or when there is such a file.
need_free() { # REGISTRY FILE...
    ! grep -qx "    $type()," "$1" || die "$1 has $type already"
    local file
    for file in "${@:2}"; do [[ ! -e $file ]] || die "$file exists already"; done
    ! grep -rqF "public let name = \"$name\"" "$(dirname "$1")" || die "\"$name\" is a name in $(dirname "$1") already"
}

# Puts a line in front of the first that matches.
insert_before() { # FILE REGEX LINE
    local number
    number=$(grep -nE "$2" "$1" | head -n 1 | cut -d : -f 1)
    [[ $number ]] || die "$1 has no line like $2"
    sed -i "${number}i\\$3" "$1"
}
