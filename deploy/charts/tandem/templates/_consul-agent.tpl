{{- /* What servers and clients have in common. */}}

{{- define "tandem.serverName" -}}
{{ include "tandem.fullname" . }}-server.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "tandem.agentVariables" -}}
{{- with .Values.global.gossipEncryption }}
{{- if .secretName }}
- name: GOSSIP_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .secretKey }}
{{- end }}
{{- end }}
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
{{- range (index . 1).extraVolumes }}
{{- if .load }}
- -config-dir=/consul/userconfig/{{ .name }}
{{- end }}
{{- end }}
{{- if $root.Values.global.gossipEncryption.secretName }}
- -encrypt=$(GOSSIP_KEY)
{{- end }}
{{- end }}

{{- define "tandem.agentMounts" -}}
- name: data
  mountPath: /consul/data
- name: config
  mountPath: /consul/config
  readOnly: true
# Consul writes there what it gives to other programs.
- name: tmp
  mountPath: /tmp
{{- range .extraVolumes }}
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

{{- /* There is a leader. Not for liveness: without one, a server that starts again helps nobody. */}}
{{- define "tandem.agentProbes" -}}
readinessProbe:
  exec:
    command:
      - /bin/sh
      - -c
      # Without a leader the answer is "", with status 200.
      - curl -sf http://127.0.0.1:8500/v1/status/leader | grep -qE '".+"'
  periodSeconds: 3
  timeoutSeconds: 5
livenessProbe:
  tcpSocket:
    port: http
  initialDelaySeconds: 30
  periodSeconds: 10
  failureThreshold: 6
{{- end }}
