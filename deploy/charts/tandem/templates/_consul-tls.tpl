{{- /* TLS between Tandem, injected pods and Consul, and the CA for it. */}}

{{- /* "true" when pods in agent mode, and the registrar, use TLS to the agents on the nodes. */}}
{{- define "tandem.agentTls" -}}
{{- $isAgent := and (include "tandem.isOn" (list . "connectInject")) (eq (include "tandem.proxyMode" .) "agent") -}}
{{- if and $isAgent .Values.connectInject.agentTls.enabled }}true{{ end }}
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
{{- if or .Values.global.tls.enabled (include "tandem.agentTls" .) }}{{ .Values.global.tls.caCert.secretName | default "" }}{{ end }}
{{- end }}

{{- /* Of the webhook: the CA is public, and every injected pod gets it as text. */}}
{{- define "tandem.caVariable" -}}
{{- $isDataplane := and .Values.global.tls.enabled (eq (include "tandem.proxyMode" .) "dataplane") -}}
{{- if and (or $isDataplane (include "tandem.agentTls" .)) (include "tandem.caSecret" .) -}}
- name: TANDEM_CONSUL_CA_PEM
  valueFrom:
    secretKeyRef:
      name: {{ include "tandem.caSecret" . }}
      key: {{ .Values.global.tls.caCert.secretKey }}
{{- end }}
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
