{{- /* What servers and clients have in common. */}}

{{- define "tandem.serverName" -}}
{{ include "tandem.fullname" . }}-server.{{ .Release.Namespace }}.svc
{{- end }}

{{- /* "true" when the servers of this chart have no ACLs, as far as the values say: a Secret may hold them. */}}
{{- define "tandem.isOpen" -}}
{{- $isSecretive := false -}}
{{- range .Values.server.extraVolumes }}{{ $isSecretive = or $isSecretive .load }}{{ end -}}
{{- $acl := get (.Values.server.extraConfig | default dict) "acl" -}}
{{- /* In JSON it may be a list, too, which is not looked into. */}}
{{- $hasAcls := kindIs "slice" $acl -}}
{{- if kindIs "map" $acl }}{{ $hasAcls = $acl.enabled }}{{ end -}}
{{- $isSecured := or $hasAcls $isSecretive (include "tandem.stageOf" (list . "acls")) -}}
{{- if and (include "tandem.isOn" (list . "server")) (not $isSecured) }}true{{ end }}
{{- end }}

{{- define "tandem.agentVariables" -}}
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
{{- end }}

{{- /* Arguments of the agent beside its configuration file: (list $ .Values.server). */}}
{{- define "tandem.agentArguments" -}}
{{- $root := index . 0 -}}
- agent
- -config-dir=/consul/config
{{- if include "tandem.secureAgents" $root }}
- -config-file=/consul/secrets/tandem.json
{{- end }}
{{- range (index . 1).extraVolumes }}
{{- if .load }}
- -config-dir=/consul/userconfig/{{ .name }}
{{- end }}
{{- end }}
{{- if include "tandem.gossipByInit" $root }}
- -config-file=/consul/gossip/gossip.json
{{- end }}
{{- end }}

{{- /*
The gossip key as configuration of Consul, which reads it from nothing else: arguments and variables of a process are
read by others on its node.
*/}}
{{- define "tandem.gossipKeyInit" -}}
{{- with .Values.global.gossipEncryption -}}
- name: gossip-key
  {{- include "tandem.image" (list $ $.Values.global.image) | nindent 2 }}
  command:
    - /bin/sh
    - -ec
    - |
      umask 077
      key=$(tr -d ' \r\n' </consul/gossip-secret/key)
      case $key in
        '' | *[!A-Za-z0-9+/=]*)
          echo "The value of the Secret is not a gossip key: consul keygen makes one." >&2
          exit 1
          ;;
      esac
      printf '{"encrypt":"%s"}\n' "$key" >/consul/gossip/gossip.json
  resources:
    requests: { cpu: 10m, memory: 16Mi }
    limits: { memory: 32Mi }
  {{- include "tandem.containerSecurity" $ | nindent 2 }}
  volumeMounts:
    - name: gossip
      mountPath: /consul/gossip
    - name: gossip-secret
      mountPath: /consul/gossip-secret
      readOnly: true
{{- end }}
{{- end }}

{{- /* (list $ "server") */}}
{{- define "tandem.agentMounts" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
- name: data
  mountPath: /consul/data
{{- if include "tandem.secureAgents" $root }}
{{- include "tandem.stageMounts" (list $part) }}
{{- else }}
- name: config
  mountPath: /consul/config
  readOnly: true
{{- end }}
# Consul writes there what it gives to other programs.
- name: tmp
  mountPath: /tmp
{{- if include "tandem.gossipByInit" $root }}
- name: gossip
  mountPath: /consul/gossip
  readOnly: true
{{- end }}
{{- range (index $root.Values $part).extraVolumes }}
- name: userconfig-{{ .name }}
  mountPath: /consul/userconfig/{{ .name }}
  readOnly: true
{{- end }}
{{- end }}

{{- /* The volumes but for the data: (list $ "server"). */}}
{{- define "tandem.agentVolumes" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
- name: config
  configMap:
    name: {{ include "tandem.fullname" $root }}-{{ $part }}
- name: tmp
  emptyDir: {}
{{- if include "tandem.secureAgents" $root }}
# `tandem secure` makes it; the pod waits for it.
- name: secrets
  secret:
    secretName: {{ include "tandem.fullname" $root }}-{{ $part }}-secrets
    # fsGroup lets the agent read it; nobody else needs to.
    defaultMode: 0440
{{- end }}
{{- with $root.Values.global.gossipEncryption }}
{{- if include "tandem.gossipByInit" $root }}
# Never on a disk.
- name: gossip
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
- name: gossip-secret
  secret:
    secretName: {{ .secretName }}
    # fsGroup lets the agent read it; nobody else needs to.
    defaultMode: 0440
    items:
      - { key: {{ .secretKey | quote }}, path: key }
{{- end }}
{{- end }}
{{- range (index $root.Values $part).extraVolumes }}
- name: userconfig-{{ .name }}
  {{- if eq .type "secret" }}
  secret:
    secretName: {{ .name }}
    # fsGroup lets the agent read it; nobody else needs to.
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ .name }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
The leader counts this server among the voters. By the limits that Consul has, a server that is new votes 22 s after the
others have found it well: 10 s (autopilot's server_stabilization_time), the 10 s from one look of autopilot to the next,
and 2 s from one health check to the next. Until then the next server must not go, in an update or by an eviction.
Not minReadySeconds: before Kubernetes 1.34 a StatefulSet whose pods are started in parallel ignores it, and evictions always do.
*/}}
{{- define "tandem.serverStartupProbe" -}}
startupProbe:
  exec:
    command:
      - /bin/sh
      - -c
      - |
        answer=$(curl -s -m 8 -w ' %{http_code}' http://127.0.0.1:8500/v1/operator/raft/configuration)
        case $answer in
          *' 200') echo "$answer" | tr '{' '\n' | grep "$(cat /consul/data/node-id)" | grep -q '"Voter":true' ;;
          # There is a leader, and ACLs hide the rest.
          *' 403') sleep 22 ;;
          *) exit 1 ;;
        esac
  periodSeconds: 2
  timeoutSeconds: 30
  # A day: without a quorum, a server that starts again helps nobody.
  failureThreshold: 43200
{{- end }}

{{- /*
There is a leader: to list the sessions of a node, which anybody may ask for, an agent asks the leader, whatever the
configuration says about stale reads of the catalog. Without a leader it answers after seven seconds (Consul's
rpc_hold_timeout), which is longer than a probe waits, so an election of two seconds makes nobody unready.
A request and not a command: starting a process in a container costs a node twenty times as much.
Not for liveness: without a leader, a server that starts again helps nobody.
*/}}
{{- define "tandem.agentProbes" -}}
{{- $isPlain := include "tandem.httpsOnly" . | empty -}}
readinessProbe:
  httpGet:
    path: /v1/session/node/none
    port: {{ ternary "http" "https" $isPlain }}
    scheme: {{ ternary "HTTP" "HTTPS" $isPlain }}
    # Else the agent asks with its own default token, which Consul may not know yet, or no longer.
    httpHeaders:
      - { name: X-Consul-Token, value: anonymous }
  periodSeconds: 3
  timeoutSeconds: 5
livenessProbe:
  tcpSocket:
    port: {{ ternary "http" "https" $isPlain }}
  initialDelaySeconds: 30
  periodSeconds: 10
  failureThreshold: 6
{{- end }}
