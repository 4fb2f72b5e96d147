{{- /* The flags of the catalog sync that the values make: an empty value leaves the default of the program. */}}
{{- define "tandem.syncFlags" -}}
{{- with .Values.syncCatalog -}}
- --default-sync={{ .default }}
- {{ printf "--k8s-allow-namespaces=%s" (join "," .k8sAllowNamespaces) | quote }}
- {{ printf "--k8s-deny-namespaces=%s" (join "," .k8sDenyNamespaces) | quote }}
- --sync-clusterip-services={{ .syncClusterIPServices }}
- --sync-lb-services-endpoints={{ .syncLoadBalancerEndpoints }}
- --node-port-sync-type={{ .nodePortSyncType }}
- --multi-port={{ .multiPort }}
- --add-k8s-namespace-suffix={{ .addK8SNamespaceSuffix }}
- {{ printf "--consul-k8s-tag=%s" .k8sTag | quote }}
{{- with .consulPrefix }}
- {{ printf "--consul-service-prefix=%s" . | quote }}
{{- end }}
{{- with .consulNodeName }}
- {{ printf "--consul-node-name=%s" . | quote }}
{{- end }}
{{- with .owner }}
- --owner={{ . }}
{{- end }}
- --not-ready={{ .notReady }}
- --terminating={{ .terminating }}
- --policy={{ .policy }}
- --resync={{ .resync }}
{{- if .ingress.enabled }}
- --enable-ingress
- --ingress-address={{ .ingress.loadBalancerIPs | ternary "load-balancer" "host" }}
{{- end }}
{{- if .adopt }}
- --adopt
- {{ printf "--adopt-nodes=%s" (join "," .adoptNodes) | quote }}
{{- end }}
{{- end }}
{{- end }}
