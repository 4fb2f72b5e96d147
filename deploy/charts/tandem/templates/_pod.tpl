{{- /* What every pod of this chart has in common: (list $ .Values.server). */}}
{{- define "tandem.pod" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
# Service variables of the cluster would be read as settings: a Service "tandem" makes TANDEM_PORT.
enableServiceLinks: false
{{- include "tandem.imagePullSecrets" $root }}
{{- with $part.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* As objects, or as names alone: a parent chart may hold either in its globals. */}}
{{- define "tandem.imagePullSecrets" }}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
Where its pods run, with the affinity of the values: (list $ "webhook" .affinity). They are spread over nodes as far as there are any,
unless that affinity is about other pods. Each revision by itself: among the pods of both, the new ones of a rollout may all come
to one node.
*/}}
{{- define "tandem.placement" -}}
{{- $affinity := index . 2 | default dict -}}
{{- if not (or $affinity.podAffinity $affinity.podAntiAffinity) -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "tandem.selector" (initial .) | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Of a pod, by the restricted Pod Security profile: the user and group of the image (list $ 65532 65532). */}}
{{- define "tandem.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  {{- if not (index . 0).Values.global.openshift.enabled }}
  {{- include "tandem.podUser" (rest .) | nindent 2 }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "tandem.podUser" -}}
runAsUser: {{ index . 0 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
{{- end }}

{{- define "tandem.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
{{- end }}

{{- /* Of webhook and sync. */}}
{{- define "tandem.probes" -}}
# On a node that is busy a start takes long, and to start it once more would take longer.
startupProbe:
  httpGet:
    path: /health/live
    port: status
  periodSeconds: 1
  failureThreshold: 180
readinessProbe:
  httpGet:
    path: /health/ready
    port: status
  periodSeconds: 2
livenessProbe:
  httpGet:
    path: /health/live
    port: status
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}
