# A cluster of one node in a lab: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, containerd, kubelet, each as it
# is. Their programs are on LAB_PATH or on PATH.

KUBERNETES_PROGRAMS=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl)
NODE=node
NODE_ADDRESS=192.0.2.10

# Starts everything but the kubelet.
cluster_begins() {
    export KUBECONFIG=$LAB/kubeconfig
    mkdir "$LAB/cni" "$LAB/plugins"
    cluster_keys
    cluster_node
    lab_daemon etcd etcd --data-dir /var/lib/etcd --log-level warn
    lab_containerd
    cluster_control_plane
}

# One key, whose certificate is its own authority: for the servers, for the API server at the kubelet, for the tokens of
# service accounts. Everybody else has the token of an administrator.
cluster_keys() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=lab \
        -addext "subjectAltName=DNS:$NODE,IP:127.0.0.1,IP:$NODE_ADDRESS" -keyout "$LAB/key" -out "$LAB/certificate" 2>/dev/null
    echo 'lab,admin,1,system:masters' >"$LAB/tokens"
    cat >"$KUBECONFIG" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $LAB/certificate}}]
users: [{name: admin, user: {token: lab}}]
contexts: [{name: lab, context: {cluster: lab, user: admin, namespace: tests}}]
current-context: lab
YAML
}

# What the node has: an address, containerd's configuration, and values of the whole machine that the kubelet would set.
cluster_node() {
    in_lab ip link add uplink type veth peer name downlink
    in_lab ip link set downlink up
    in_lab ip address add "$NODE_ADDRESS/24" dev uplink
    in_lab ip link set uplink up
    in_lab ip route add default dev uplink
    local value
    mkdir "$LAB/machine"
    for value in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
        kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
        echo "${value#*=}" >"$LAB/machine/$(basename "${value%=*}")"
        in_lab mount --bind "$LAB/machine/$(basename "${value%=*}")" "/proc/sys/${value%=*}"
    done
    # The kubelet's parent of all pods has to be there.
    find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d -exec mkdir {}/"$LAB_NAME" \;
    pod_network_configuration >"$LAB/cni/10-lab.conflist"
    (echo 'version = 2' && lab_pods "$LAB/cni") >"$LAB/containerd.toml"
    in_lab cp "$LAB/containerd.toml" /etc/containerd/config.toml
}

cluster_control_plane() {
    lab_daemon apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --advertise-address "$NODE_ADDRESS" \
        --tls-cert-file "$LAB/certificate" --tls-private-key-file "$LAB/key" --token-auth-file "$LAB/tokens" \
        --kubelet-client-certificate "$LAB/certificate" --kubelet-client-key "$LAB/key" \
        --kubelet-certificate-authority "$LAB/certificate" --service-account-issuer https://lab \
        --service-account-key-file "$LAB/certificate" --service-account-signing-key-file "$LAB/key" \
        --kubelet-preferred-address-types InternalIP --service-cluster-ip-range 10.96.0.0/16 --authorization-mode RBAC --allow-privileged
    PATIENCE=60 lab_waits_for apiserver curl --silent --fail --cacert "$LAB/certificate" --header 'Authorization: Bearer lab' \
        https://127.0.0.1:6443/readyz
    lab_daemon manager kube-controller-manager --kubeconfig "$KUBECONFIG" --leader-elect=false \
        --flex-volume-plugin-dir "$LAB/plugins" --service-account-private-key-file "$LAB/key" --root-ca-file "$LAB/certificate"
    lab_daemon scheduler kube-scheduler --kubeconfig "$KUBECONFIG" --leader-elect=false
}

# Starts the kubelet, and returns when the node takes pods.
cluster_kubelet() {
    echo 'nameserver 192.0.2.53' >"$LAB/resolv.conf"
    cat >"$LAB/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$LAB_NAME
failCgroupV1: false
failSwapOn: false
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $LAB/certificate}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $LAB/certificate
tlsPrivateKeyFile: $LAB/key
resolvConf: $LAB/resolv.conf
volumePluginDir: $LAB/plugins
# Nobody is driven out, whatever else the machine does.
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
oomScoreAdj: 0
YAML
    lab_kubelet
    in_lab kubectl create namespace tests >/dev/null
    PATIENCE=60 lab_waits_for kubelet kubectl wait --for condition=Ready --timeout 1s "node/$NODE"
    lab_waits_for manager kubectl get serviceaccount default
}

lab_kubelet() {
    lab_daemon kubelet kubelet --config "$LAB/kubelet.yaml" --kubeconfig "$KUBECONFIG" --hostname-override "$NODE" \
        --node-ip "$NODE_ADDRESS"
}

# Starts kube-proxy, which is left to do nothing to the whole machine.
cluster_proxy() {
    cat >"$LAB/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $KUBECONFIG}
hostnameOverride: $NODE
mode: iptables
clusterCIDR: 10.77.0.0/24
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
    lab_daemon proxy kube-proxy --config "$LAB/proxy.yaml"
}

# The class of the example, and one for runc.
cluster_classes() {
    sed '/^---/,$d' "$repository/Specs/examples/kubernetes.yaml" >"$LAB/classes.yaml"
    printf -- '---\napiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: runc}\nhandler: runc\n' >>"$LAB/classes.yaml"
    in_lab kubectl create --filename "$LAB/classes.yaml" >/dev/null
}

# Images with tags, so that nobody tries to fetch them.
cluster_images() {
    local image images=(busybox)
    cp "$GUESTS/http.linux" "$LAB/http"
    lab_busybox_image busybox "$LAB/http=http"
    lab_image pause --entrypoint /pause --arg -P "$(PATH=$LAB_PATH command -v catatonit)=pause"
    cluster_image pause latest
    lab_busybox_image install --env PATH=/usr/local/bin:/usr/bin:/bin "$RUNTIME=usr/local/bin/swiftlet" \
        "$(dirname "$RUNTIME")/swiftlet-vaccel=usr/local/bin/swiftlet-vaccel"
    cluster_image install 1
    in_lab ctr --namespace k8s.io images tag localhost/test/install:1 registry.example/swiftlet-install:1.0 >/dev/null
    if has_http_guest; then
        for image in hello exit sleep disks; do lab_guest_image "$image"; done
        lab_http_image
        images+=(hello exit sleep disks http)
    fi
    for image in "${images[@]}"; do cluster_image "$image" 1; done
    ! has_http_guest || for image in 1.0 1.1; do
        in_lab ctr --namespace k8s.io images tag localhost/test/http:1 "registry.example/hello:$image" >/dev/null
    done
}

cluster_image() { # NAME TAG
    in_lab ctr --namespace k8s.io images import "$LAB/$1.tar" >/dev/null
    [[ $2 == latest ]] || in_lab ctr --namespace k8s.io images tag "localhost/test/$1:latest" "localhost/test/$1:$2" >/dev/null
}

# Has the node's containerd know the runtime, as the guide says.
node_installs() {
    in_lab cp "$RUNTIME" /usr/local/bin/swiftlet
    in_lab /usr/local/bin/swiftlet install-engine cri >/dev/null
    in_lab /usr/local/bin/systemctl restart containerd
}

# Whether nothing of a pod is on the node; what there is goes to standard output.
node_is_clean() {
    local left
    left=$(
        in_lab sh -c 'ls -d /run/containerd/runc/k8s.io/* 2>/dev/null; ip -o link | grep -E "veth|tap"'
        find /sys/fs/cgroup -type d -path "*/$LAB_NAME/kubepods/*pod*" 2>/dev/null
        in_lab grep -o '/var/lib/kubelet/pods/[^ ]*' /proc/self/mountinfo
    ) || true
    [[ ! $left ]] || { head -n 20 <<<"left on the node: $left" && false; }
}
