{{- /* Annotations of what is there only while `helm test` runs; its weight says what comes first. */}}
{{- define "tandem.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- /* A pod that runs one script: (list $ "injection" env volumeMounts volumes), the last three as YAML. */}}
{{- define "tandem.testPod" -}}
{{- $root := index . 0 -}}
{{- $script := index . 1 -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "tandem.fullname" $root }}-test-{{ $script }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "tandem.labels" (list $root "test") | nindent 4 }}
  annotations:
    {{- include "tandem.testHook" 0 | nindent 4 }}
    # `helm test` shows what it says (helm 3.18). With --logs helm asks every hook for a log, the account among them, and fails.
    helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
spec:
  serviceAccountName: {{ include "tandem.fullname" $root }}-test
  restartPolicy: Never
  enableServiceLinks: false
  {{- include "tandem.imagePullSecrets" $root | indent 2 }}
  {{- include "tandem.podSecurity" (list $root 65532 65532) | nindent 2 }}
  containers:
    - name: test
      {{- include "tandem.image" (list $root $root.Values.global.imageTandem) | nindent 6 }}
      command: [node, /tests/test-{{ $script }}.mjs]
      env:
        - name: TEST_NAMESPACE
          value: {{ $root.Values.tests.namespace }}
        - name: SERVICE_ACCOUNT
          value: /var/run/secrets/kubernetes.io/serviceaccount
        {{- with index . 2 }}
        {{- . | nindent 8 }}
        {{- end }}
      resources:
        requests: { cpu: 50m, memory: 64Mi }
        limits: { memory: 128Mi }
      {{- include "tandem.containerSecurity" $root | nindent 6 }}
      volumeMounts:
        - name: tests
          mountPath: /tests
          readOnly: true
        {{- with index . 3 }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tests
      configMap:
        name: {{ include "tandem.fullname" $root }}-test
    {{- with index . 4 }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end }}
