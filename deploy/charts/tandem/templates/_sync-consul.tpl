{{- /* How the sync reaches Consul: external servers, else the servers of this chart, else the agent of its node. */}}

{{- define "tandem.syncConsul.address" -}}
{{- $tls := include "tandem.externalTls" . | eq "true" -}}
{{- if .Values.externalServers.enabled -}}
{{- $addresses := list -}}
{{- range .Values.externalServers.hosts -}}
{{- $port := $tls | ternary $.Values.externalServers.httpsPort $.Values.externalServers.httpPort -}}
{{- $host := contains ":" . | ternary (printf "[%s]" .) . -}}
{{- $addresses = append $addresses (printf "%s://%s:%d" ($tls | ternary "https" "http") $host (int $port)) -}}
{{- end -}}
{{ join "," $addresses }}
{{- else if include "tandem.isOn" (list . "server") -}}
{{- /*
One by one: the sync then leaves a dead one at once, where the name of all would take it there again. In the namespace of
the sync, so that one question to the DNS answers: with "<namespace>.svc" it takes three, and when the node of a DNS server
is lost, each of them may wait for seconds.
*/ -}}
{{- $addresses := list -}}
{{- $format := include "tandem.usesTls" . | empty | ternary "%[1]s-server-%[2]d.%[1]s-server:8500" "https://%[1]s-server-%[2]d.%[1]s-server:8501" -}}
{{- range $index := until (int .Values.server.replicas) -}}
{{- $addresses = append $addresses (printf $format (include "tandem.fullname" $) $index) -}}
{{- end -}}
{{ join "," $addresses }}
{{- else -}}
{{ include "tandem.agentTls" . | empty | ternary "" "https://" }}$(HOST_IP):{{ include "tandem.agentHttpPort" . }}
{{- end }}
{{- end }}

{{- /* Name in the certificate of whom the sync asks; nothing when that is the host. */}}
{{- define "tandem.syncConsul.serverName" -}}
{{- $hasServers := or .Values.externalServers.enabled (include "tandem.isOn" (list . "server")) -}}
{{- if and (not $hasServers) (include "tandem.agentTls" .) }}{{ include "tandem.agentServerName" . }}
{{- else if include "tandem.usesTls" . }}{{ printf "server.%s.%s" .Values.global.datacenter .Values.global.domain }}
{{- else }}{{ .Values.externalServers.tlsServerName | default "" }}
{{- end }}
{{- end }}

{{- define "tandem.syncConsul.arguments" -}}
- --consul-http-addr={{ include "tandem.syncConsul.address" . }}
{{- with include "tandem.caFile" . }}
- --consul-ca-file={{ . }}
{{- end }}
{{- with include "tandem.syncConsul.serverName" . }}
- --consul-tls-server-name={{ . }}
{{- end }}
{{- with .Values.syncCatalog.aclSyncToken }}
{{- if .secretName }}
- --consul-token-file=/etc/tandem/consul-token/{{ .secretKey | default "token" }}
{{- end }}
{{- end }}
{{- with include "tandem.syncAuthMethod" . }}
- {{ printf "--consul-auth-method=%s" . | quote }}
{{- end }}
{{- end }}

{{- define "tandem.syncConsul.mounts" -}}
{{- include "tandem.caMounts" . }}
{{- if .Values.syncCatalog.aclSyncToken.secretName }}
- name: consul-token
  mountPath: /etc/tandem/consul-token
  readOnly: true
{{- end }}
{{- end }}

{{- define "tandem.syncConsul.volumes" -}}
{{- include "tandem.caVolumes" . }}
{{- with .Values.syncCatalog.aclSyncToken.secretName }}
- name: consul-token
  secret:
    secretName: {{ . }}
    # fsGroup lets the process read it; nobody else needs to.
    defaultMode: 0440
{{- end }}
{{- end }}
