{{- /* How a sidecar of dataplane mode reaches the Consul servers. */}}

{{- /* One DNS name or address for all of them; nothing when none is known. */}}
{{- define "tandem.dataplane.servers" -}}
{{- $external := .Values.externalServers -}}
{{- if .Values.connectInject.serverAddresses }}{{ .Values.connectInject.serverAddresses }}
{{- else if include "tandem.isOn" (list . "server") }}{{ include "tandem.fullname" . }}-server-ready.{{ .Release.Namespace }}.svc
{{- else if and $external.enabled (eq (len $external.hosts) 1) }}{{ first $external.hosts }}
{{- end }}
{{- end }}

{{- define "tandem.dataplane.flags" -}}
- {{ printf "--consul-server-addresses=%s" (include "tandem.dataplane.servers" .) | quote }}
- --consul-grpc-port={{ if include "tandem.usesTls" . }}8503{{ else if include "tandem.isOn" (list . "server") }}8502{{ else }}{{ .Values.externalServers.grpcPort }}{{ end }}
{{- if include "tandem.usesTls" . }}
- --consul-tls
- --consul-tls-server-name=server.{{ .Values.global.datacenter }}.{{ .Values.global.domain }}
{{- else if include "tandem.externalTls" . }}
- --consul-tls
{{- with .Values.externalServers.tlsServerName }}
- {{ printf "--consul-tls-server-name=%s" . | quote }}
{{- end }}
{{- end }}
{{- end }}
