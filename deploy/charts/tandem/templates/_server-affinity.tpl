{{- /* server.affinity: required, preferred, none, or an affinity as a pod has it. */}}
{{- define "tandem.serverAffinity" -}}
{{- $affinity := .Values.server.affinity -}}
{{- if kindIs "map" $affinity -}}
affinity:
  {{- toYaml $affinity | nindent 2 }}
{{- else if eq $affinity "required" -}}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "tandem.selector" (list . "server") | nindent 12 }}
{{- else if eq $affinity "preferred" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "tandem.selector" (list . "server") | nindent 14 }}
{{- end }}
{{- end }}
