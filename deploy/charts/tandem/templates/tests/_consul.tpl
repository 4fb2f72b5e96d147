{{- /* How a test reaches Consul: as the sync does. */}}
{{- define "tandem.testConsul.env" -}}
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
- name: CONSUL_HTTP_ADDR
  value: {{ include "tandem.syncConsul.address" . }}
{{- with .Values.syncCatalog.aclSyncToken }}
{{- if .secretName }}
- name: CONSUL_HTTP_TOKEN_FILE
  value: /etc/tandem/consul-token/{{ .secretKey | default "token" }}
{{- end }}
{{- end }}
{{- with include "tandem.caFile" . }}
- name: CONSUL_CACERT
  value: {{ . }}
{{- end }}
{{- if include "tandem.usesLogin" . }}
- name: CONSUL_AUTH_METHOD
  value: {{ include "tandem.syncAuthMethod" . }}
{{- end }}
{{- with include "tandem.syncConsul.serverName" . }}
- name: CONSUL_TLS_SERVER_NAME
  value: {{ . }}
{{- end }}
{{- end }}
