#!/bin/bash
# Plays consul-dataplane, which no package registry has: reads its flags, waits for the registration of the proxy, and becomes
# Envoy. Takes no flag that consul-dataplane does not have; those of TLS, login and lifecycle it has no use for.
set -eu
umask 077

if [ "${1:-}" = -check-proxy-health ]; then
  exec 3<>"/dev/tcp/$DP_ENVOY_READY_BIND_ADDRESS/$DP_ENVOY_READY_BIND_PORT"
  printf 'GET /ready HTTP/1.1\r\nHost: ready\r\nConnection: close\r\n\r\n' >&3
  read -r status <&3
  [[ $status == *' 200 '* ]]
  exit
fi

concurrency=2
while [ $# -gt 0 ]; do
  value=${1#*=}
  case "$1" in
    -addresses=*) address=$value ;;
    -grpc-port=*) port=$value ;;
    -proxy-id=*) proxy=$value ;;
    -proxy-node-name=*) node=$value ;;
    -envoy-concurrency=*) concurrency=$value ;;
    -envoy-ready-bind-address=*) ready_address=$value ;;
    -envoy-ready-bind-port=*) ready_port=$value ;;
    -log-json=* | -tls-disabled | -shutdown-drain-listeners | -graceful-port=*) ;;
    -shutdown-grace-period-seconds=* | -graceful-shutdown-path=*) ;;
    -startup-grace-period-seconds=* | -graceful-startup-path=* | -telemetry-prom-scrape-path=*) ;;
    --) shift && break ;;
    *) echo "flag provided but not defined: $1" >&2 && exit 2 ;;
  esac
  shift
done

until consul connect envoy -bootstrap -proxy-id="$proxy" -node-name="$node" \
  -grpc-addr="http://$address:$port" -admin-bind="127.0.0.1:$DP_ENVOY_ADMIN_BIND_PORT" \
  -envoy-ready-bind-address="$ready_address" -envoy-ready-bind-port="$ready_port" > bootstrap.json; do
  sleep 0.1
done
exec envoy --config-path bootstrap.json --concurrency "$concurrency" --use-dynamic-base-id "$@"
