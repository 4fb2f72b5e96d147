{{- /*
Where the certificate of the webhook comes from: connectInject.certs.secretName, or the webhook itself, which then
keeps it in a Secret that its replicas share, and writes the CA into the webhook configurations. All that differs between
the two is in this file.
*/}}

{{- define "tandem.webhookCertificate.arguments" -}}
{{- $name := printf "%s-webhook" (include "tandem.fullname" .) -}}
{{- if .Values.connectInject.certs.secretName -}}
- --tls-cert-file=/etc/tandem/tls/tls.crt
- --tls-key-file=/etc/tandem/tls/tls.key
{{- else -}}
# The replicas share one certificate by a Secret, renew it, and keep caBundle in step.
- --tls-auto
- --tls-auto-secret={{ $name }}-tls
- --tls-auto-service={{ $name }}
- --webhook-configuration={{ $name }}
{{- end }}
{{- end }}

{{- define "tandem.webhookCertificate.mounts" -}}
{{- if .Values.connectInject.certs.secretName -}}
- name: tls
  mountPath: /etc/tandem/tls
  readOnly: true
{{- end }}
{{- end }}

{{- define "tandem.webhookCertificate.volumes" -}}
{{- with .Values.connectInject.certs.secretName -}}
- name: tls
  secret:
    secretName: {{ . }}
    # fsGroup lets the process read it; nobody else needs to.
    defaultMode: 0440
{{- end }}
{{- end }}

{{- /* Rights in the whole cluster. */}}
{{- define "tandem.webhookCertificate.clusterRules" -}}
{{- if not .Values.connectInject.certs.secretName }}
# caBundle of the own webhook configurations: watched, and patched where it differs.
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations{{ if include "tandem.entryWebhook" . }}, validatingwebhookconfigurations{{ end }}]
  resourceNames: [{{ include "tandem.fullname" . }}-webhook]
  verbs: [list, watch, patch]
{{- end }}
{{- end }}

{{- /* "true" when the account may change its webhook configurations, and the cluster can tie it to caBundle. */}}
{{- define "tandem.webhookCertificate.policy" -}}
{{- $certs := .Values.connectInject.certs -}}
{{- $isKnown := semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version -}}
{{- if and $isKnown $certs.policy (not $certs.secretName) (include "tandem.isOn" (list . "connectInject")) }}true{{ end }}
{{- end }}

{{- /* Rights in the namespace of the webhook: the certificate that the replicas share, and the Lease that says which of them writes it. */}}
{{- define "tandem.webhookCertificate.rules" -}}
{{- if not .Values.connectInject.certs.secretName -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "tandem.fullname" . }}-webhook-tls]
  verbs: [list, watch, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "tandem.fullname" . }}-webhook-tls]
  verbs: [get, update]
# A creation has no name yet when it is authorized, so it cannot be confined to one.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
{{- end }}
