{{- /*
What stands under "global" without being ours. A parent chart gives its own globals to all of its dependencies, so the
schema lets them pass; these two find what was meant for this chart all the same.
*/}}

{{- define "tandem.ownGlobals" -}}
enabled name domain datacenter owner image imageEnvoy imageConsulDataplane imageTandem imagePullPolicy imagePullSecrets logLevel recursors gossipEncryption tls openshift secure acls
{{- end }}

{{- /* Keys that are one letter, or the case of letters, away from one of ours, as lines with what to do. */}}
{{- define "tandem.misspeltGlobals" -}}
{{- $own := splitList " " (include "tandem.ownGlobals" . | trim) }}
{{- range $key := keys .Values.global | sortAlpha }}
{{- if not (has $key $own) }}
{{- range $name := $own }}
{{- $forms := list }}
{{- range $index := until (len $name) }}
{{- $before := substr 0 $index $name }}
{{- $letter := substr $index (int (add1 $index)) $name }}
{{- $after := substr (int (add1 $index)) (len $name) $name }}
{{- $forms = concat $forms (list (print $before ".?" $after) (print $before "." $letter $after)) }}
{{- with $after }}
{{- $forms = append $forms (print $before (substr 0 1 .) $letter (substr 1 (len .) .)) }}
{{- end }}
{{- end }}
{{- if regexMatch (printf "(?i)^(%s|%s.)$" (join "|" $forms) $name) $key }}
global.{{ $key }}, which looks like global.{{ $name }}: correct it, or leave it out
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Keys that are not known below the globals of ours that are maps, as lines. */}}
{{- define "tandem.unknownBelowGlobals" -}}
{{- $global := .Values.global }}
{{- range $place, $own := dict "gossipEncryption" "secretName secretKey autoGenerate" "tls" "enabled verify httpsOnly enableAutoEncrypt serverAdditionalDNSSANs serverAdditionalIPSANs caCert caKey" "tls.caCert" "secretName secretKey" "tls.caKey" "secretName secretKey" "acls" "manageSystemACLs createReplicationToken bootstrapToken" "acls.bootstrapToken" "secretName secretKey" "openshift" "enabled" }}
{{- $found := $global }}
{{- range $key := splitList "." $place }}
{{- $found = get $found $key | default dict }}
{{- end }}
{{- range $key := keys $found | sortAlpha }}
{{- if not (has $key (splitList " " $own)) }}
global.{{ $place }}.{{ $key }}, which is not known: correct it, or leave it out
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Keys of consul-k8s that do nothing here. */}}
{{- define "tandem.foreignGlobals" -}}
adminPartitions argocd consulAPITimeout crds dualStack enableConsulNamespaces enablePodSecurityPolicies enterpriseLicense experiments extraLabels federation generateManifests generateManifestsStorage generateManifestsStorageClassName imageK8S installK8sNetworkingCRDs logJSON metrics peering podSecurityContext secretsBackend trustedCAs
{{- end }}
