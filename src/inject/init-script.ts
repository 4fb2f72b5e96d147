/** What the init container runs in agent mode. The script is constant: every value reaches it through the environment. */
import { DATA_PATH, TOKEN_PATH } from './names.ts';

// An agent that has just restarted, or a clean-up after an earlier pod of the same name, may remove a registration
// before the bootstrap is written: then the pod registers again.
// The address of a TCP check needs brackets around IPv6, and the family of a pod is known only when it runs. A quote inside
// of a value is escaped in JSON, so nothing but the check matches.
// Files are only for the sidecar's user, except those without a secret: an application that mounts the volume runs as
// another one. The bootstrap holds the token where there is one.
const script = (moreOfBootstrap: string): string => `set -eu
umask 077
readable() { chmod 644 "$1"; }
fail() { echo "tandem: $1" >&2; exit 1; }
cd ${DATA_PATH} || fail "the volume ${DATA_PATH} is not there"
case "$HOST_IP" in *:*) agent="[$HOST_IP]" ;; *) agent="$HOST_IP" ;; esac
export CONSUL_HTTP_ADDR="$TANDEM_SCHEME$agent:$TANDEM_HTTP_PORT"
if [ -n "\${TANDEM_CA_PEM:-}" ]; then
  printf '%s\\n' "$TANDEM_CA_PEM" > ca.pem
  readable ca.pem
  export CONSUL_CACERT=${DATA_PATH}/ca.pem
fi
if [ -n "\${TANDEM_AUTH_METHOD:-}" ]; then
  consul login -method="$TANDEM_AUTH_METHOD" -bearer-token-file=${TOKEN_PATH}/token \\
    -token-sink-file=${DATA_PATH}/acl-token -meta="pod=$POD_NAMESPACE/$POD_NAME" -meta="pod-uid=$POD_UID" \\
    \${TANDEM_OWNER:+-meta="owner=$TANDEM_OWNER"} \\
    || fail "could not log in to Consul at $CONSUL_HTTP_ADDR by auth method $TANDEM_AUTH_METHOD"
  export CONSUL_HTTP_TOKEN_FILE=${DATA_PATH}/acl-token
fi
case "$POD_IP" in
  *:*) printf '%s' "$TANDEM_REGISTRATION" | sed "s/\\"tcp\\":\\"$POD_IP:/\\"tcp\\":\\"[$POD_IP]:/" > service.json ;;
  *) printf '%s' "$TANDEM_REGISTRATION" > service.json ;;
esac
readable service.json
for attempt in 1 2 3; do
  consul services register service.json \\
    || fail "could not register with the Consul agent at $CONSUL_HTTP_ADDR; is there a client agent on this node?"
  [ -n "\${TANDEM_PROXY_ID:-}" ] || exit 0
  consul connect envoy -proxy-id "$TANDEM_PROXY_ID" -grpc-addr "$TANDEM_SCHEME$agent:$TANDEM_GRPC_PORT" \\
    \${CONSUL_CACERT:+-grpc-ca-file "$CONSUL_CACERT"} \\
    \${TANDEM_PROMETHEUS_PATH:+-prometheus-scrape-path "$TANDEM_PROMETHEUS_PATH"} \\
${moreOfBootstrap}    -bootstrap > envoy-bootstrap.json && written=yes && break
  sleep 1
done
[ -n "\${written:-}" ] || fail "could not write the bootstrap of Envoy"
[ -n "\${CONSUL_HTTP_TOKEN_FILE:-}" ] || readable envoy-bootstrap.json
`;

export const INIT_SCRIPT = script('');
/** For all services of a pod but the first. */
export const INIT_SCRIPT_OF_OTHERS = script('    -admin-bind "localhost:$TANDEM_ADMIN_PORT" \\\n');
