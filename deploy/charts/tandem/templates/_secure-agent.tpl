{{- /*
Consul's configuration by the stage of each part. The Secret beside it has what is secret: the gossip key, the tokens of the
agent, and its certificate; `tandem secure` makes it, and its pods wait for it.
*/}}

{{- /* As an object: (list $ "server"). */}}
{{- define "tandem.stageConfig" -}}
{{- $root := index . 0 -}}
{{- $isServer := eq (index . 1) "server" -}}
{{- $gossip := include "tandem.stageOf" (list $root "gossip") -}}
{{- $tls := include "tandem.stageOf" (list $root "tls") -}}
{{- $acls := include "tandem.stageOf" (list $root "acls") -}}
{{- $isLater := list "prefer" "require" -}}
{{- /* A key in a file would beat the one of the Secret after a restart. */ -}}
{{- $config := dict "disable_keyring_file" true -}}
{{- if $gossip -}}
{{- $_ := set $config "encrypt_verify_outgoing" (has $gossip $isLater) -}}
{{- $_ := set $config "encrypt_verify_incoming" (eq $gossip "require") -}}
{{- end -}}
{{- if $acls -}}
{{- $policy := eq $acls "require" | ternary "deny" "allow" -}}
{{- $_ := set $config "acl" (dict "enabled" true "default_policy" $policy "down_policy" "extend-cache") -}}
{{- end -}}
{{- if $tls -}}
{{- $leaf := dict "cert_file" "/consul/secrets/tls.crt" "key_file" "/consul/secrets/tls.key" -}}
{{- $verifies := has $tls $isLater -}}
{{- $autoEncrypt := $root.Values.global.tls.enableAutoEncrypt -}}
{{- $defaults := dict "ca_file" "/consul/secrets/ca.crt" "verify_outgoing" $verifies -}}
{{- $rpc := dict "verify_server_hostname" $verifies -}}
{{- $sections := dict "defaults" $defaults "internal_rpc" $rpc -}}
{{- if $isServer -}}
{{- $_ := set $rpc "verify_incoming" (eq $tls "require") -}}
{{- $_ := set $config "auto_encrypt" (dict "allow_tls" $autoEncrypt) -}}
{{- end -}}
{{- if or $isServer (not $autoEncrypt) -}}
{{- $_ := set $sections "defaults" (merge $defaults $leaf) -}}
{{- else -}}
{{- /* For RPC each client has a certificate of its own from the servers. */ -}}
{{- $_ := set $sections "https" $leaf -}}
{{- $_ := set $sections "grpc" $leaf -}}
{{- if $verifies }}{{ $_ := set $config "auto_encrypt" (dict "tls" true) }}{{ end -}}
{{- end -}}
{{- $_ := set $config "tls" $sections -}}
{{- $ports := dict "https" 8501 "grpc_tls" 8503 -}}
{{- if include "tandem.httpsOnly" $root -}}
{{- $_ := set $ports "grpc" -1 -}}
{{- $_ := set $config "addresses" (dict "http" "127.0.0.1") -}}
{{- end -}}
{{- $_ := set $config "ports" $ports -}}
{{- end -}}
{{ $config | toPrettyJson }}
{{- end }}

{{- /* The files of the configuration, each by itself: a reload must not bring the next stage into a pod that runs. (list "server") */}}
{{- define "tandem.stageMounts" -}}
{{- range $file := list (print (index . 0) ".json") "stage.json" "user.json" }}
- name: config
  mountPath: /consul/config/{{ $file }}
  subPath: {{ $file }}
  readOnly: true
{{- end }}
# As a folder, so that the kubelet swaps it as a whole.
- name: secrets
  mountPath: /consul/secrets
  readOnly: true
{{- end }}
