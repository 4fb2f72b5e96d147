{{- /* The flags of `tandem sync` that the values make: an empty value leaves the default of the program. */}}
{{- define "tandem.syncFlags" -}}
- --resync={{ .Values.syncCatalog.resync }}
{{- with .Values.global.owner }}
- --owner={{ . }}
{{- end }}
{{- if include "tandem.isOn" (list . "syncCatalog") }}
- {{ printf "--consul-k8s-tag=%s" .Values.syncCatalog.k8sTag | quote }}
{{- end }}
- --consul-domain={{ .Values.global.domain }}
{{- if include "tandem.toConsul" . }}
{{- include "tandem.toConsulFlags" .Values.syncCatalog }}
{{- else }}
- --to-consul=false
{{- end }}
{{- if include "tandem.toK8S" . }}
{{- include "tandem.toK8SFlags" . }}
{{- end }}
{{- if include "tandem.configEntries" . }}
{{- with .Values.configEntries }}
- --config-entries
- {{ printf "--config-entries-namespaces=%s" (join "," .allowNamespaces) | quote }}
- --config-entries-policy={{ .policy }}
{{- if .adopt }}
- --config-entries-adopt
{{- end }}
{{- end }}
{{- end }}
{{- if include "tandem.registrar" . }}
- --registrar
{{- with include "tandem.podAuthMethod" . }}
- {{ printf "--pod-auth-method=%s" . | quote }}
{{- end }}
{{- if eq (include "tandem.stageOf" (list . "acls")) "prefer" }}
# Until they are restarted, pods that were injected before stay in Consul as what they were.
- --require-pod-login=false
{{- end }}
{{- if include "tandem.usesLogin" . }}
# The loop of a secure Consul deletes them, so the sync needs no right to do so.
- --delete-pod-tokens=false
{{- end }}
- --service-names={{ .Values.connectInject.serviceNames }}
{{- if eq (include "tandem.proxyMode" .) "agent" }}
{{ include "tandem.registrarAgentFlags" . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tandem.toConsulFlags" }}
- --default-sync={{ .default }}
- {{ printf "--k8s-allow-namespaces=%s" (join "," .k8sAllowNamespaces) | quote }}
- {{ printf "--k8s-deny-namespaces=%s" (join "," .k8sDenyNamespaces) | quote }}
- --sync-clusterip-services={{ .syncClusterIPServices }}
- --sync-lb-services-endpoints={{ .syncLoadBalancerEndpoints }}
- {{ printf "--cluster-domain=%s" .clusterDomain | quote }}
- --node-port-sync-type={{ .nodePortSyncType }}
- --multi-port={{ .multiPort }}
- --add-k8s-namespace-suffix={{ .addK8SNamespaceSuffix }}
{{- with .consulPrefix }}
- {{ printf "--consul-service-prefix=%s" . | quote }}
{{- end }}
{{- with .consulNodeName }}
- {{ printf "--consul-node-name=%s" . | quote }}
{{- end }}
- --not-ready={{ .notReady }}
- --terminating={{ .terminating }}
- --policy={{ .policy }}
{{- if .ingress.enabled }}
- --enable-ingress
- --ingress-address={{ .ingress.loadBalancerIPs | ternary "load-balancer" "host" }}
- --ingress-mode={{ .ingress.mode }}
{{- end }}
{{- if .adopt }}
- --adopt
- {{ printf "--adopt-nodes=%s" (join "," .adoptNodes) | quote }}
{{- end }}
{{- end }}

{{- define "tandem.toK8SFlags" }}
{{- with .Values.syncCatalog }}
- --to-k8s
- --k8s-write-namespace={{ include "tandem.writeNamespace" $ }}
- --to-k8s-mode={{ .toK8SMode }}
- --to-k8s-health={{ .toK8SHealth }}
{{- if .allowClusterAddresses }}
- --allow-cluster-addresses
{{- end }}
{{- with .clusterCIDRs }}
- {{ printf "--cluster-cidrs=%s" (join "," .) | quote }}
{{- end }}
{{- with .k8sPrefix }}
- {{ printf "--k8s-service-prefix=%s" . | quote }}
{{- end }}
- {{ printf "--to-k8s-services=%s" (join "," .toK8SServices) | quote }}
{{- with .toK8STag }}
- {{ printf "--to-k8s-tag=%s" . | quote }}
{{- end }}
{{- with .toK8SFilter }}
- {{ printf "--to-k8s-filter=%s" . | quote }}
{{- end }}
{{- end }}
{{- end }}
