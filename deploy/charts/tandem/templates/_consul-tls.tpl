{{- /* TLS between Tandem, injected pods and Consul, and the CA for it. */}}

{{- /* "true" when pods in agent mode, and the registrar, use TLS to the agents on the nodes. */}}
{{- define "tandem.agentTls" -}}
{{- $isAgent := and (include "tandem.isOn" (list . "connectInject")) (eq (include "tandem.proxyMode" .) "agent") -}}
{{- if and $isAgent (or .Values.connectInject.agentTls.enabled (include "tandem.usesTls" .)) }}true{{ end }}
{{- end }}

{{- define "tandem.agentServerName" -}}
{{- .Values.connectInject.agentTls.serverName | default (printf "agent.%s.%s" .Values.global.datacenter .Values.global.domain) }}
{{- end }}

{{- define "tandem.agentHttpPort" -}}
{{- .Values.connectInject.agentHttpPort | default (include "tandem.agentTls" . | empty | ternary 8500 8501) }}
{{- end }}

{{- define "tandem.agentGrpcPort" -}}
{{- .Values.connectInject.agentGrpcPort | default (include "tandem.agentTls" . | empty | ternary 8502 8503) }}
{{- end }}

{{- /* Secret of the CA that signed Consul's certificates; nothing when it is not needed, or is one of the system. */}}
{{- define "tandem.caSecret" -}}
{{- if or (include "tandem.externalTls" .) (include "tandem.agentTls" .) }}{{ .Values.global.tls.caCert.secretName | default "" }}{{ end }}
{{- end }}

{{- /* "true" when external servers are reached over TLS. */}}
{{- define "tandem.externalTls" -}}
{{- if and .Values.externalServers.enabled (eq (toString .Values.global.tls.enabled) "true") }}true{{ end }}
{{- end }}

{{- /* The CA as a file, of webhook, sync and tests; nothing without one. */}}
{{- define "tandem.caFile" -}}
{{- if include "tandem.usesTls" . }}/etc/tandem/consul-ca/ca.crt
{{- else if include "tandem.caSecret" . }}/etc/tandem/consul-ca/{{ .Values.global.tls.caCert.secretKey | default "tls.crt" }}
{{- end }}
{{- end }}

{{- define "tandem.caMounts" -}}
{{- if include "tandem.caFile" . -}}
- name: consul-ca
  mountPath: /etc/tandem/consul-ca
  readOnly: true
{{- end }}
{{- end }}

{{- define "tandem.caVolumes" -}}
{{- if include "tandem.usesTls" . -}}
- name: consul-ca
  configMap:
    name: {{ include "tandem.fullname" . }}-consul-ca
{{- else }}
{{- with include "tandem.caSecret" . -}}
- name: consul-ca
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- end }}

{{- /* One of the three above where injected pods get the CA, which the webhook gives them as text: (list $ "tandem.caFile"). */}}
{{- define "tandem.injectCa" -}}
{{- $root := index . 0 -}}
{{- if or (include "tandem.agentTls" $root) (eq (include "tandem.proxyMode" $root) "dataplane") }}{{ include (index . 1) $root }}{{ end }}
{{- end }}

{{- /* Flags of the webhook for pods in agent mode. */}}
{{- define "tandem.agentFlags" -}}
- --consul-http-port={{ include "tandem.agentHttpPort" . }}
- --consul-grpc-port={{ include "tandem.agentGrpcPort" . }}
{{- if include "tandem.agentTls" . }}
- --consul-tls
- {{ printf "--consul-tls-server-name=%s" (include "tandem.agentServerName" .) | quote }}
{{- end }}
{{- end }}

{{- /* Flags of the registrar for the agents. */}}
{{- define "tandem.registrarAgentFlags" -}}
- --agent-http-port={{ include "tandem.agentHttpPort" . }}
{{- if include "tandem.agentTls" . }}
- --agent-tls
- {{ printf "--agent-tls-server-name=%s" (include "tandem.agentServerName" .) | quote }}
{{- end }}
{{- end }}
