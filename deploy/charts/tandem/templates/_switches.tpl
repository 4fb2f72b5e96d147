{{- /*
"true" when a part is on, else nothing: (list $ "server"). "-" is what global.enabled says; on OpenShift the agents, which
need ports and a folder of the node, are on only when they are asked for.
*/}}
{{- define "tandem.isOn" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $global := $root.Values.global -}}
{{- $enabled := (index $root.Values $part).enabled | toString -}}
{{- $inherited := and $global.enabled (not (and $global.openshift.enabled (eq $part "client"))) -}}
{{- if or (eq $enabled "true") (and (eq $enabled "-") $inherited) }}true{{ end }}
{{- end }}

{{- /* How injected pods run their proxy, agent or dataplane. */}}
{{- define "tandem.proxyMode" -}}
{{- $mode := .Values.connectInject.proxyMode -}}
{{- $isKnown := or (include "tandem.isOn" (list . "server")) .Values.externalServers.enabled .Values.connectInject.serverAddresses -}}
{{- if ne $mode "auto" }}{{ $mode }}
{{- else if and $isKnown (not (include "tandem.isOn" (list . "client"))) }}dataplane
{{- else }}agent
{{- end }}
{{- end }}

{{- /* "true" when the registrar is on. A webhook alone, in agent mode, stays alone. */}}
{{- define "tandem.registrar" -}}
{{- $enabled := .Values.registrar.enabled | toString -}}
{{- $isDataplane := eq (include "tandem.proxyMode" .) "dataplane" -}}
{{- $isWith := or .Values.global.enabled $isDataplane (include "tandem.isOn" (list . "syncCatalog")) -}}
{{- if eq $enabled "true" }}true
{{- else if and (eq $enabled "-") $isWith (include "tandem.isOn" (list . "connectInject")) }}true
{{- end }}
{{- end }}

{{- /*
"true" when pods can be transparent: Consul's builtin proxy has no outbound listener, and the rules recognize the traffic
of a sidecar by its user, which must be a fixed one.
*/}}
{{- define "tandem.canRedirect" -}}
{{- $isBuiltin := and (eq (include "tandem.proxyMode" .) "agent") (eq .Values.connectInject.sidecarProxy.kind "builtin") -}}
{{- if not (or $isBuiltin (eq (include "tandem.sidecarUser" .) "none")) }}true{{ end }}
{{- end }}

{{- /* Who redirects the traffic of pods, init or node. */}}
{{- define "tandem.redirection" -}}
{{- .Values.connectInject.cni.enabled | default false | ternary "node" .Values.connectInject.transparentProxy.redirection }}
{{- end }}

{{- /* "true" when a redirector runs on every node. */}}
{{- define "tandem.redirector" -}}
{{- $isNode := eq (include "tandem.redirection" .) "node" -}}
{{- if and $isNode (include "tandem.isOn" (list . "connectInject")) (include "tandem.canRedirect" .) }}true{{ end }}
{{- end }}

{{- /* "true" when custom resources become config entries. A webhook whose Consul the chart does not know stays alone. */}}
{{- define "tandem.configEntries" -}}
{{- $enabled := .Values.configEntries.enabled | toString -}}
{{- $isKnown := or (include "tandem.isOn" (list . "server")) (include "tandem.isOn" (list . "client")) .Values.externalServers.enabled -}}
{{- if eq $enabled "true" }}true
{{- else if and (eq $enabled "-") $isKnown (include "tandem.isOn" (list . "connectInject")) }}true
{{- end }}
{{- end }}

{{- /* "true" when the webhook checks them before they are stored. */}}
{{- define "tandem.entryWebhook" -}}
{{- if and (include "tandem.configEntries" .) (include "tandem.isOn" (list . "connectInject")) }}true{{ end }}
{{- end }}

{{- /* Plural names of the kinds. */}}
{{- define "tandem.entryKinds" -}}
{{- $kinds := list -}}
{{- range $path, $_ := .Files.Glob "files/crds/*.yaml" }}
{{- $kinds = append $kinds (base $path | trimSuffix ".yaml") }}
{{- end }}
{{- join ", " $kinds }}
{{- end }}

{{- /* "true" when `tandem sync` runs: it does the catalog sync, the registrar, config entries, or several of them. */}}
{{- define "tandem.sync" -}}
{{- if or (include "tandem.isOn" (list . "syncCatalog")) (include "tandem.registrar" .) (include "tandem.configEntries" .) }}true{{ end }}
{{- end }}

{{- define "tandem.toConsul" -}}
{{- if and (include "tandem.isOn" (list . "syncCatalog")) .Values.syncCatalog.toConsul }}true{{ end }}
{{- end }}

{{- define "tandem.toK8S" -}}
{{- if and (include "tandem.isOn" (list . "syncCatalog")) .Values.syncCatalog.toK8S }}true{{ end }}
{{- end }}

{{- /* Namespace of the Services that are created from Consul services. */}}
{{- define "tandem.writeNamespace" -}}
{{- .Values.syncCatalog.k8sWriteNamespace | default .Release.Namespace }}
{{- end }}
