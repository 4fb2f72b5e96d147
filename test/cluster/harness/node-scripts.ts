/** What runs inside of the namespaces of a cluster, as fixed text: all that differs comes by the environment. */

/**
 * Holds the network that joins the nodes: a bridge in a namespace of its own, where no firewall and no bridge filter of the
 * machine acts on what the nodes tell each other. One link leads out of it, to the machine; LINK is its name there, KEEPER a
 * process of the machine's network. With the last process in here, the kernel takes back the bridge and both ends of the link.
 */
export const SWITCH_SCRIPT = `set -e
ip link set lo up
ip link add name bridge type bridge
ip link set bridge up
ip link add name uplink type veth peer name "$LINK" netns "$KEEPER"
ip link set uplink master bridge up
echo joined
exec sleep infinity
`;

/**
 * In the network of a node: joins it to the bridge of the process SWITCH, then goes on as the process that starts "$1" with
 * process and mount namespaces of its own. There is no default route: nothing leaves.
 */
export const NODE_NETWORK_SCRIPT = `set -e
ip link set lo up
nsenter --net="/proc/$SWITCH/ns/net" ip link delete "$NODE" 2>/dev/null || true   # of the node's last life
ip link add name eth0 type veth peer name "$NODE" netns "$SWITCH"
nsenter --net="/proc/$SWITCH/ns/net" ip link set "$NODE" master bridge up
ip address add "$ADDRESS/24" dev eth0
ip link set eth0 up
# The address of a Service is looked up before kube-proxy rewrites it.
ip route add "$SERVICES" dev eth0
for peer in $PEERS; do ip route add "\${peer%=*}" via "\${peer#*=}"; done
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
exec unshare --mount --pid --ipc --uts --kill-child --propagation private sh -c "$1"
`;

/**
 * The first process of a node. Says its id as the machine knows it, lays mounts over all that a node writes to, starts the
 * daemons, and reaps orphans, which a shell does while it waits.
 */
export const NODE_INIT_SCRIPT = `set -e
read -r pid rest </proc/self/stat   # still the machine's /proc
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir /run/node /run/lock /run/netns /run/tmp /run/knobs
mount --bind "$FOLDER" /run/node
# What kubelet, CNI plugins and volumes of the kind hostPath put into /var/lib stays in the node, and over its restart.
mount -t overlay -o lowerdir=/var/lib,upperdir=/run/node/var-lib,workdir=/run/node/var-lib-work overlay /var/lib
mkdir -p /var/lib/kubelet
mount --bind /run/node/kubelet /var/lib/kubelet
mount --bind /run/node/log /var/log
hostname "$NODE"
# The kubelet sets these of the whole machine, unless they read so already. With another boot id it tells of a restart.
knob() { echo "$1" >"/run/knobs/\${2##*/}"; mount --bind "/run/knobs/\${2##*/}" "$2"; }
knob 1 /proc/sys/vm/overcommit_memory
knob 10 /proc/sys/kernel/panic
knob 1 /proc/sys/kernel/panic_on_oops
knob "$BOOT" /proc/sys/kernel/random/boot_id
mount --make-rshared /
echo "node $pid"
# Started again when they end, as on any node. The kubelet ends when containerd is not ready to serve it yet.
keep() { (while :; do "$@" >>"/var/log/$1.log" 2>&1 || true; sleep 0.5; done) & }
keep containerd --config=/run/node/containerd.toml
until [ -S /run/containerd/containerd.sock ]; do sleep 0.1; done
keep kubelet --config=/run/node/kubelet.json --kubeconfig=/run/node/kubelet.kubeconfig \\
  --hostname-override="$NODE" --node-ip="$ADDRESS"
keep kube-proxy --config=/run/node/kube-proxy.json
wait
`;
