# The engines that cri.bats can drive: containerd's plug-in, or CRI-O where CRI_ENGINE=crio says so and it is on LAB_PATH. Both
# listen where the client expects containerd.

# Writes containerd's configuration, which is the example that is tried. What comes after it is the lab's: root may not lower
# a score, images are its own. CNI's configuration is in a directory where one is named.
containerd_configuration() { # [DIRECTORY]
    sed "s|/usr/local/bin/swiftlet|$RUNTIME|" "$repository/Specs/examples/containerd.toml" >"$LAB/containerd.toml"
    lab_pods "$@" >>"$LAB/containerd.toml"
}

# Prints what the CRI plug-in is told in a lab.
lab_pods() { # [DIRECTORY]
    cat <<TOML

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/test/pause:latest"
  # Where nobody may lower a score.
  restrict_oom_score_adj = true
  disable_apparmor = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
TOML
    [[ ! ${1-} ]] || echo "    conf_dir = \"$1\""
}

# Prints the network that pods get: a bridge, and ports of the host.
pod_network_configuration() {
    cat <<JSON
{"cniVersion": "0.4.0", "name": "lab", "plugins": [
    {"type": "bridge", "bridge": "lab0", "isGateway": true, "ipMasq": false,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
]}
JSON
}

# Each begins the engine in the lab and writes $LAB/import, which takes the archive of an image.

containerd_begins() {
    containerd_configuration "$LAB/cni"
    lab_daemon containerd containerd --config "$LAB/containerd.toml" --log-level warn
    printf '#!/bin/sh\nexec ctr --namespace k8s.io images import "$1"\n' >"$LAB/import"
    chmod +x "$LAB/import"
    lab_waits_for containerd ctr version
}

crio_begins() {
    lab_trusts_images
    cat >"$LAB/crio.conf" <<TOML
[crio]
root = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
storage_driver = "vfs"
log_dir = "/run/crio-logs"
version_file = "/run/crio-version"
clean_shutdown_file = "/run/crio-clean"
[crio.api]
listen = "/run/containerd/containerd.sock"
[crio.runtime]
conmon_cgroup = "pod"
cgroup_manager = "cgroupfs"
apparmor_profile = "unconfined"
default_runtime = "swiftlet"
pinns_path = "$(PATH=$LAB_PATH command -v pinns)"
hooks_dir = []
default_sysctls = []
[crio.runtime.runtimes.runc]
runtime_path = "$(PATH=$LAB_PATH command -v runc)"
runtime_type = "oci"
runtime_root = "/run/crio-runtime"
monitor_path = "/usr/bin/conmon"
[crio.runtime.runtimes.swiftlet]
runtime_path = "$RUNTIME"
runtime_type = "oci"
runtime_root = "/run/crio-runtime"
monitor_path = "/usr/bin/conmon"
[crio.image]
pause_image = "localhost/test/pause:latest"
pause_command = "/pause"
signature_policy = "$LAB/home/.config/containers/policy.json"
[crio.network]
network_dir = "$LAB/cni"
plugin_dirs = ["/usr/lib/cni"]
TOML
    cat >"$LAB/import" <<'SCRIPT'
#!/bin/bash
# Names the image as it names itself.
set -euo pipefail
name=$(tar --extract --to-stdout --file "$1" index.json | jq --raw-output '.manifests[0].annotations | .["io.containerd.image.name"] // .["org.opencontainers.image.ref.name"]')
exec skopeo --insecure-policy copy --quiet "oci-archive:$1" \
    "containers-storage:[vfs@/var/lib/containers/storage+/run/containers/storage]$name"
SCRIPT
    chmod +x "$LAB/import"
    in_lab mkdir -p /run/containerd /run/crio-logs
    lab_daemon crio crio --config "$LAB/crio.conf" --config-dir ''
    lab_waits_for crio test -S /run/containerd/containerd.sock
}

# Where the runtime keeps the state of the engine's containers.
cri_state() {
    case $CRI_ENGINE in
    crio) echo /run/crio-runtime ;;
    *) echo /run/containerd/runc/k8s.io ;;
    esac
}

# The process of the pod's sandbox.
pod_process() {
    in_lab "$RUNTIME" --root "$(cri_state)" state "$POD" | jq .pid
}
