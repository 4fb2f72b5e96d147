{{- /* Rights of the sync in the whole cluster; nothing when it needs none. */}}
{{- define "tandem.syncClusterRules" -}}
{{- if include "tandem.toConsul" . }}
# Nodes are watched from the first NodePort Service on.
- apiGroups: [""]
  resources: [services, nodes]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- if .Values.syncCatalog.ingress.enabled }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- if include "tandem.watchesNetwork" . }}
# Where pods, Services and the API server are, so that no Consul service leads there.
{{- if not (or (include "tandem.toConsul" .) (include "tandem.registrar" .)) }}
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
{{- end }}
{{- if not (include "tandem.toConsul" .) }}
- apiGroups: [""]
  resources: [services]
  resourceNames: [kubernetes]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  resourceNames: [kubernetes]
  verbs: [list, watch]
{{- end }}
- apiGroups: [networking.k8s.io]
  resources: [servicecidrs]
  verbs: [list, watch]
{{- end }}
{{- if include "tandem.registrar" . }}
# Of injected pods, for the registrar: a node has its address before its pod has one; Services that select pods name them, and
# have the addresses at which clients with redirected traffic reach them.
- apiGroups: [""]
  resources: [pods{{ if not (include "tandem.toConsul" .) }}, nodes, services{{ end }}]
  verbs: [list, watch]
{{- if include "tandem.podAuthMethod" . }}
# A pod that logs in may be the service of its ServiceAccount alone, or the one that this names.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- if include "tandem.configEntries" . }}
# Custom resources become config entries; a CRD is read before anything of its kind is removed in Consul.
{{- $kinds := splitList ", " (include "tandem.entryKinds" .) }}
- apiGroups: [consul.hashicorp.com]
  resources: [{{ include "tandem.entryKinds" . }}]
  verbs: [list, watch{{ if .Values.configEntries.adopt }}, patch{{ end }}]
- apiGroups: [consul.hashicorp.com]
  resources: [{{ range $index, $kind := $kinds }}{{ if $index }}, {{ end }}{{ $kind }}/status{{ end }}]
  verbs: [patch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: [{{ range $index, $kind := $kinds }}{{ if $index }}, {{ end }}{{ $kind }}.consul.hashicorp.com{{ end }}]
  verbs: [get]
{{- end }}
{{- if include "tandem.eventsEverywhere" . }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- if not .Values.global.owner }}
# Its UID sets the instances of this cluster apart in Consul.
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end }}
{{- end }}

{{- /* Rights in the namespace of the Services that are made from Consul's. */}}
{{- define "tandem.toK8SRules" -}}
{{- $seesServices := or (include "tandem.toConsul" .) (include "tandem.registrar" .) }}
# What the ClusterRole gives everywhere is not given again.
- apiGroups: [""]
  resources: [services]
  verbs: [{{ if not $seesServices }}list, watch, {{ end }}create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [{{ if not (include "tandem.toConsul" .) }}list, watch, {{ end }}create, patch, delete]
{{- if not (include "tandem.eventsEverywhere" .) }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- end }}

{{- /* "true" when instances of Consul are compared with the addresses of the cluster. */}}
{{- define "tandem.watchesNetwork" -}}
{{- if and (include "tandem.toK8S" .) (not .Values.syncCatalog.allowClusterAddresses) }}true{{ end }}
{{- end }}

{{- /* "true" when there is something to say about Services, pods or custom resources of any namespace. */}}
{{- define "tandem.eventsEverywhere" -}}
{{- if or (include "tandem.toConsul" .) (include "tandem.registrar" .) (include "tandem.configEntries" .) }}true{{ end }}
{{- end }}
