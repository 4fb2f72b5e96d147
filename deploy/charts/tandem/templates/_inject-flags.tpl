{{- /* The flags of injection that the values make: an empty value leaves the default of the program. */}}
{{- define "tandem.injectFlags" -}}
{{- $global := .Values.global -}}
{{- with .Values.connectInject -}}
- --consul-image={{ $global.image }}
- --envoy-image={{ $global.imageEnvoy }}
- --dataplane-image={{ $global.imageConsulDataplane }}
- --proxy-mode={{ include "tandem.proxyMode" $ }}
{{- if .default }}
- --default-inject
{{- end }}
{{- with .defaultExcludeNamespaces }}
- {{ printf "--default-inject-exclude-namespaces=%s" (join "," .) | quote }}
{{- end }}
- {{ printf "--allow-namespaces=%s" (join "," .k8sAllowNamespaces) | quote }}
{{- with .k8sDenyNamespaces }}
- {{ printf "--deny-namespaces=%s" (join "," .) | quote }}
{{- end }}
- --native-sidecar={{ .nativeSidecar }}
- --drain-seconds={{ .drainSeconds }}
{{- if eq (include "tandem.proxyMode" $) "dataplane" }}
{{ include "tandem.dataplane.flags" $ }}
{{- else }}
- --sidecar-proxy={{ .sidecarProxy.kind }}
{{ include "tandem.agentFlags" $ }}
{{- if include "tandem.registrar" $ }}
- --critical-until-ready
{{- end }}
{{- end }}
{{- with include "tandem.injectCa" (list $ "tandem.caFile") }}
- --consul-ca-file={{ . }}
{{- end }}
{{- with $global.owner }}
- --owner={{ . }}
{{- end }}
- --service-names={{ .serviceNames }}
- --service-account-check={{ .serviceAccountCheck }}
{{- with include "tandem.podAuthMethod" $ }}
- {{ printf "--consul-auth-method=%s" . | quote }}
{{- end }}
{{- if and (include "tandem.usesLogin" $) (eq .authMethodType "jwt") }}
- --consul-auth-audience=consul
{{- end }}
{{- with .envoyExtraArgs }}
- {{ printf "--envoy-extra-args=%s" . | quote }}
{{- end }}
- --sidecar-proxy-concurrency={{ .sidecarProxy.concurrency }}
{{- with include "tandem.sidecarUser" $ }}
- --sidecar-run-as-user={{ . }}
{{- end }}
{{- with .transparentProxy }}
{{- if and .defaultEnabled (include "tandem.canRedirect" $) }}
- --transparent-proxy
{{- end }}
- --transparent-proxy-overwrite-probes={{ .defaultOverwriteProbes }}
- --redirection={{ include "tandem.redirection" $ }}
- --redirect-image={{ .image | default $global.imageTandem }}
{{- if .dns.enableRedirection }}
- --consul-dns-redirection
{{- end }}
{{- end }}
{{- if eq (include "tandem.proxyMode" $) "dataplane" }}
{{- include "tandem.lifecycleFlags" .sidecarProxy.lifecycle }}
{{- end }}
{{- include "tandem.resourceFlags" (list "sidecar-proxy" .sidecarProxy.resources) }}
{{- include "tandem.resourceFlags" (list "init" .initContainer.resources) }}
{{- with .metrics }}
{{- if .defaultEnabled }}
- --enable-metrics
{{- end }}
- --prometheus-scrape-port={{ .defaultPrometheusScrapePort }}
- {{ printf "--prometheus-scrape-path=%s" .defaultPrometheusScrapePath | quote }}
{{- if eq (include "tandem.proxyMode" $) "dataplane" }}
- --enable-metrics-merging={{ .defaultEnableMerging }}
- --merged-metrics-port={{ .defaultMergedMetricsPort }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Numbers of values are floats, and ids as long as those of OpenShift would get an exponent. */}}
{{- define "tandem.sidecarUser" -}}
{{- $user := .Values.connectInject.sidecarProxy.runAsUser -}}
{{- if kindIs "invalid" $user -}}
{{- if .Values.global.openshift.enabled }}none{{ end -}}
{{- else -}}
{{- kindIs "string" $user | ternary $user (int64 $user) -}}
{{- end -}}
{{- end }}

{{- define "tandem.lifecycleFlags" }}
- --enable-sidecar-proxy-lifecycle={{ .defaultEnabled }}
- --enable-sidecar-proxy-lifecycle-shutdown-drain-listeners={{ .defaultEnableShutdownDrainListeners }}
{{- if not (kindIs "invalid" .defaultShutdownGracePeriodSeconds) }}
- --sidecar-proxy-lifecycle-shutdown-grace-period-seconds={{ .defaultShutdownGracePeriodSeconds }}
{{- end }}
- --sidecar-proxy-lifecycle-startup-grace-period-seconds={{ .defaultStartupGracePeriodSeconds }}
- --sidecar-proxy-lifecycle-graceful-port={{ .defaultGracefulPort }}
- {{ printf "--sidecar-proxy-lifecycle-graceful-shutdown-path=%s" .defaultGracefulShutdownPath | quote }}
- {{ printf "--sidecar-proxy-lifecycle-graceful-startup-path=%s" .defaultGracefulStartupPath | quote }}
{{- end }}

{{- define "tandem.resourceFlags" -}}
{{- $container := index . 0 -}}
{{- $resources := index . 1 -}}
{{- range $of := list "cpu" "memory" }}
{{- range $bound := list "request" "limit" }}
{{- $amount := index $resources (print $bound "s") $of }}
- --{{ $container }}-{{ $of }}-{{ $bound }}={{ kindIs "invalid" $amount | ternary "none" $amount }}
{{- end }}
{{- end }}
{{- end }}
