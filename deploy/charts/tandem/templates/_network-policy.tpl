{{- /*
Who reaches the pods of a part: (list $ "webhook" .Values.connectInject.networkPolicy). The node itself always does, and
with it the probes and kubectl port-forward. What they may reach is left open: the API server has no address that a chart
could know.
*/}}
{{- define "tandem.networkPolicy" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $peers := index . 2 -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "tandem.fullname" $root }}-{{ $part }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "tandem.labels" (list $root $part) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "tandem.selector" (list $root $part) | nindent 6 }}
  policyTypes: [Ingress]
  {{- if or (eq $part "webhook") $peers.statusFrom }}
  ingress:
    {{- if eq $part "webhook" }}
    - ports:
        - port: https
      {{- with $peers.apiServerFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- with $peers.statusFrom }}
    - ports:
        - port: status
      from:
        {{- toYaml . | nindent 8 }}
    {{- end }}
  {{- else }}
  ingress: []
  {{- end }}
{{- end }}
