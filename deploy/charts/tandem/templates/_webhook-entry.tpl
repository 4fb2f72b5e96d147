{{- /* What the entries of the webhook configurations have in common. */}}

{{- /* Whom to call about pods: (list $ "/mutate"). */}}
{{- define "tandem.webhookEntry.client" -}}
{{ include "tandem.webhookEntry.address" . }}
rules:
  - operations: [CREATE]
    apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    scope: Namespaced
{{- end }}

{{- define "tandem.webhookEntry.address" -}}
{{- $root := index . 0 -}}
clientConfig:
  service:
    name: {{ include "tandem.fullname" $root }}-webhook
    namespace: {{ $root.Release.Namespace }}
    path: {{ index . 1 }}
  {{- with $root.Values.connectInject.certs.caBundle }}
  caBundle: {{ . }}
  {{- end }}
{{- end }}

{{- /*
By the label of a namespace for transparent proxy: the end of a path and of a name to the condition. An admission does no
I/O, so the API server decides. A word that is no boolean is as if there were none.
*/}}
{{- define "tandem.webhookEntry.transparentProxy" -}}
{{- $true := list "1" "t" "T" "TRUE" "true" "True" -}}
{{- $false := list "0" "f" "F" "FALSE" "false" "False" -}}
unlabelled: { operator: NotIn, path: "", name: "", values: {{ concat $true $false | toJson }} }
transparent: { operator: In, path: /transparent-proxy-on, name: transparent-, values: {{ $true | toJson }} }
plain: { operator: In, path: /transparent-proxy-off, name: plain-, values: {{ $false | toJson }} }
{{- end }}

{{- /* For namespaces whose label of injection stands so to "true", and by that of transparent proxy: (list $ "In" $label). */}}
{{- define "tandem.webhookEntry.namespaces" -}}
{{- $root := index . 0 -}}
{{- $selector := $root.Values.connectInject.namespaceSelector -}}
namespaceSelector:
  {{- with $selector.matchLabels }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: [kube-system, kube-public, kube-node-lease, {{ $root.Release.Namespace }}]
    - key: consul.hashicorp.com/connect-inject
      operator: {{ index . 1 }}
      values: ["true"]
    {{- with index . 2 }}
    - key: consul.hashicorp.com/transparent-proxy
      operator: {{ .operator }}
      values: {{ .values | toJson }}
    {{- end }}
    {{- with $selector.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- /*
Namespaces that providers own get no sidecar by default, and their pods do not wait for Tandem: a cluster that cannot
provision volumes or networks cannot bring Tandem back either. As `tandem webhook` has them.
*/}}
{{- define "tandem.webhookEntry.excludedNamespaces" -}}
local-path-storage openebs gmp-* gke-managed-* openshift openshift-*
{{- end }}

{{- define "tandem.webhookEntry.isNotExcluded" -}}
{{- $patterns := list -}}
{{- range concat (splitList " " (include "tandem.webhookEntry.excludedNamespaces" . | trim)) .Values.connectInject.defaultExcludeNamespaces }}
{{- $patterns = append $patterns (. | replace "*" ".*" | replace "?" ".") }}
{{- end -}}
- name: asks-claims-or-is-not-excluded
  expression: >-
    !request.namespace.matches('^({{ join "|" $patterns }})$')
    || {{ include "tandem.webhookEntry.asksOrClaims" . | nindent 4 | trim }}
{{- end }}

{{- /*
A pod that asks for the sidecar, or says that it has one: whether that is so, only the webhook can see. It may also be its
own work, when the API server asks again after its plugins have completed a pod.
*/}}
{{- define "tandem.webhookEntry.asksOrClaims" -}}
(has(object.metadata.annotations) && (
  'consul.hashicorp.com/connect-inject' in object.metadata.annotations
  || 'consul.hashicorp.com/connect-inject-status' in object.metadata.annotations
  || 'tandem/injected' in object.metadata.annotations
)) || (has(object.metadata.labels)
  && 'consul.hashicorp.com/connect-inject-status' in object.metadata.labels)
{{- end }}

{{- define "tandem.webhookEntry.manners" -}}
{{- with .Values.connectInject -}}
failurePolicy: {{ .failurePolicy }}
matchPolicy: Equivalent
reinvocationPolicy: {{ .reinvocationPolicy }}
sideEffects: None
timeoutSeconds: {{ .timeoutSeconds }}
admissionReviewVersions: [v1, v1beta1]
{{- end }}
{{- end }}
