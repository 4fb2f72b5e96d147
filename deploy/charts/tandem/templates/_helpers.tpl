{{- /* Names, labels and images. */}}

{{- define "tandem.fullname" -}}
{{- if .Values.global.name }}{{ .Values.global.name }}
{{- else if contains "tandem" .Release.Name }}{{ .Release.Name }}
{{- else }}{{ .Release.Name }}-tandem
{{- end }}
{{- end }}

{{- /* What a selector holds: (list $ "webhook"). It never changes, for a selector cannot. */}}
{{- define "tandem.selector" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
app.kubernetes.io/name: {{ has $part (list "server" "client" "dns" "ui") | ternary "consul" "tandem" }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ $part }}
{{- end }}

{{- define "tandem.labels" -}}
{{- $root := index . 0 -}}
{{ include "tandem.selector" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{- /* Image of a container: (list $ .Values.global.image). */}}
{{- define "tandem.image" -}}
{{- $root := index . 0 -}}
image: {{ index . 1 }}
{{- with $root.Values.global.imagePullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end }}
