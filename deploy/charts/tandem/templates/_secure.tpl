{{- /*
A secure Consul: what is on, and in which stage, "accept", "prefer" or "require"; nothing is off. One file for the decisions;
what servers and clients run in a stage is in _secure-agent.tpl.
*/}}

{{- define "tandem.secureStage" -}}
{{- $secure := .Values.global.secure | toString -}}
{{- if eq $secure "true" }}require{{ else if ne $secure "false" }}{{ $secure }}{{ end }}
{{- end }}

{{- /* Of one part: (list $ "gossip"), "tls" or "acls". A value of its own beats global.secure. */}}
{{- define "tandem.stageOf" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $global := $root.Values.global -}}
{{- $switches := dict "gossip" $global.gossipEncryption.autoGenerate "tls" $global.tls.enabled "acls" $global.acls.manageSystemACLs -}}
{{- $switch := get $switches $part | toString -}}
{{- $stage := include "tandem.secureStage" $root -}}
{{- $isOwnKey := and (eq $part "gossip") $global.gossipEncryption.secretName -}}
{{- $isOn := or (eq $switch "true") (and (eq $switch "-") $stage) -}}
{{- /* Without a process that follows it, the key goes to the agents by an init container. */ -}}
{{- if $isOwnKey -}}
{{- $isOn = or $stage (include "tandem.stageOf" (list $root "tls")) (include "tandem.stageOf" (list $root "acls")) -}}
{{- /* It may be in use already, by agents that drop what is not encrypted. */ -}}
{{- $stage = "require" -}}
{{- end -}}
{{- /* Those that run elsewhere have gossip and certificates of their own. */ -}}
{{- $isElsewhere := and (eq $part "acls") $root.Values.externalServers.enabled -}}
{{- $isHere := and (include "tandem.isOn" (list $root "server")) (not $root.Values.externalServers.enabled) -}}
{{- if and $isOn (or $isHere $isElsewhere) -}}
{{- $stage = $stage | default "require" -}}
{{- $isHeld := and (eq $part "tls") (not $global.tls.verify) -}}
{{ $isHeld | ternary "accept" $stage }}
{{- end -}}
{{- end }}

{{- /* "true" when `tandem secure` runs. */}}
{{- define "tandem.secure" -}}
{{- if print (include "tandem.stageOf" (list . "gossip")) (include "tandem.stageOf" (list . "tls")) (include "tandem.stageOf" (list . "acls")) }}true{{ end }}
{{- end }}

{{- /* "true" when the agents of this chart get what is secret from it. */}}
{{- define "tandem.secureAgents" -}}
{{- if and (include "tandem.secure" .) (not .Values.externalServers.enabled) }}true{{ end }}
{{- end }}

{{- /* Behind each name in external servers, which other clusters may use. */}}
{{- define "tandem.aclSuffix" -}}
{{- if .Values.externalServers.enabled }}-{{ .Values.global.owner }}{{ end }}
{{- end }}

{{- /* Of all parts, as an annotation of the StatefulSet has it; the next upgrade compares. */}}
{{- define "tandem.stages" -}}
{{- $gossip := include "tandem.stageOf" (list . "gossip") | default "off" -}}
{{- if .Values.global.gossipEncryption.secretName }}{{ $gossip = "require" }}{{ end -}}
gossip={{ $gossip }} tls={{ include "tandem.stageOf" (list . "tls") | default "off" }} acls={{ include "tandem.stageOf" (list . "acls") | default "off" }}
{{- end }}

{{- /* "true" when an init container gives agents the gossip key that was brought. */}}
{{- define "tandem.gossipByInit" -}}
{{- if and .Values.global.gossipEncryption.secretName (not (include "tandem.stageOf" (list . "gossip"))) }}true{{ end }}
{{- end }}

{{- /* Of `tandem secure`: the Secrets that are brought, as part=name/key or part=name, each on a line. */}}
{{- define "tandem.broughtSecrets" -}}
{{- $global := .Values.global -}}
{{- if include "tandem.stageOf" (list . "gossip") }}
{{- with $global.gossipEncryption }}{{ with .secretName }}
gossip={{ . }}/{{ $global.gossipEncryption.secretKey }}
{{- end }}{{ end }}
{{- end }}
{{- if include "tandem.stageOf" (list . "tls") }}
{{- with $global.tls.caCert.secretName }}
ca={{ . }}/{{ $global.tls.caCert.secretKey | default "tls.crt" }}
{{- end }}
{{- with $global.tls.caKey.secretName }}
ca-key={{ . }}/{{ $global.tls.caKey.secretKey | default "tls.key" }}
{{- end }}
{{- with .Values.server.serverCert.secretName }}
server={{ . }}
{{- end }}
{{- with .Values.client.cert.secretName }}
client={{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- /* "true" when the chart's own processes and injected pods use TLS to the agents and servers of the chart. */}}
{{- define "tandem.usesTls" -}}
{{- if has (include "tandem.stageOf" (list . "tls")) (list "prefer" "require") }}true{{ end }}
{{- end }}

{{- /* "true" when they log in. */}}
{{- define "tandem.usesLogin" -}}
{{- if has (include "tandem.stageOf" (list . "acls")) (list "prefer" "require") }}true{{ end }}
{{- end }}

{{- /* "true" when nothing but loopback hears plain HTTP and gRPC. */}}
{{- define "tandem.httpsOnly" -}}
{{- if and .Values.global.tls.httpsOnly (eq (include "tandem.stageOf" (list . "tls")) "require") }}true{{ end }}
{{- end }}

{{- /* Auth method of injected pods, and that of sync and tests. */}}
{{- define "tandem.podAuthMethod" -}}
{{- if include "tandem.usesLogin" . }}tandem-{{ include "tandem.fullname" . }}-{{ eq .Values.connectInject.authMethodType "jwt" | ternary "k8s-jwt" "k8s" }}-auth-method{{ include "tandem.aclSuffix" . }}
{{- else }}{{ .Values.connectInject.overrideAuthMethodName | default "" }}
{{- end }}
{{- end }}

{{- define "tandem.syncAuthMethod" -}}
{{- if include "tandem.usesLogin" . }}tandem-{{ include "tandem.fullname" . }}-k8s-component-auth-method{{ include "tandem.aclSuffix" . }}
{{- else }}{{ .Values.syncCatalog.authMethod | default "" }}
{{- end }}
{{- end }}

{{- /* Which rights the sync needs, as `tandem secure` has them. */}}
{{- define "tandem.syncDirections" -}}
{{- $directions := list -}}
{{- if include "tandem.toConsul" . }}{{ $directions = append $directions "to-consul" }}{{ end -}}
{{- if include "tandem.toK8S" . }}{{ $directions = append $directions "to-kubernetes" }}{{ end -}}
{{- if include "tandem.registrar" . }}{{ $directions = append $directions (printf "registrar-%s" (include "tandem.proxyMode" .)) }}{{ end -}}
{{- if include "tandem.configEntries" . }}{{ $directions = append $directions "config-entries" }}{{ end -}}
{{ join "," $directions }}
{{- end }}

{{- /* The settings of `tandem secure`, as variables: the same command in its pod then shows the plan, or asks for a rotation. */}}
{{- define "tandem.secureVariables" -}}
{{- $consul := printf "app.kubernetes.io/name=consul,app.kubernetes.io/instance=%s,app.kubernetes.io/component=" .Release.Name -}}
{{- $isElsewhere := .Values.externalServers.enabled -}}
{{- $hasClients := and (include "tandem.isOn" (list . "client")) (not $isElsewhere) -}}
{{- $brought := .Values.global.acls.bootstrapToken -}}
{{- $variables := dict "NAME" (include "tandem.fullname" .)
  "STAGE" (include "tandem.secureStage" . | default "require")
  "DATACENTER" .Values.global.datacenter
  "DOMAIN" .Values.global.domain
  "OWNER" .Values.global.owner
  "SERVER_SELECTOR" ($isElsewhere | ternary nil (print $consul "server"))
  "EXTERNAL_SERVERS" ($isElsewhere | ternary (include "tandem.syncConsul.address" .) nil)
  "CONSUL_CA_FILE" ($isElsewhere | ternary (include "tandem.caFile" .) nil)
  "CONSUL_TLS_SERVER_NAME" ($isElsewhere | ternary .Values.externalServers.tlsServerName nil)
  "BOOTSTRAP_TOKEN_SECRET" $brought.secretName
  "BOOTSTRAP_TOKEN_KEY" (empty $brought.secretName | ternary nil ($brought.secretKey | default "token"))
  "AUTH_METHOD_HOST" ($isElsewhere | ternary .Values.externalServers.k8sAuthMethodHost nil)
  "CLIENT_SELECTOR" (empty $hasClients | ternary nil (print $consul "client"))
  "SERVER_NAMES" (concat .Values.global.tls.serverAdditionalDNSSANs .Values.global.tls.serverAdditionalIPSANs | join ",")
  "SYNC_DIRECTIONS" (include "tandem.syncDirections" .)
  "CONSUL_PREFIX" .Values.syncCatalog.consulPrefix
  "POD_AUTH_METHOD" (include "tandem.isOn" (list . "connectInject") | empty | not)
  "BINDING_RULE_SELECTOR" .Values.connectInject.aclBindingRuleSelector
  "AUTH_METHOD_TYPE" .Values.connectInject.authMethodType
  "ALLOW_NAMESPACES" (join "," .Values.connectInject.k8sAllowNamespaces)
  "DENY_NAMESPACES" (join "," .Values.connectInject.k8sDenyNamespaces)
  "BROUGHT" (include "tandem.broughtSecrets" . | trim | splitList "\n" | join ",")
  "HELM_TEST" true
  "UI_TOKEN" .Values.ui.aclToken.enabled
  "REPLICATION_TOKEN" .Values.global.acls.createReplicationToken
  "LOG_LEVEL" (.Values.secure.logLevel | default .Values.global.logLevel) -}}
{{- range $part := list "gossip" "tls" "acls" -}}
{{- $_ := set $variables (upper $part) (include "tandem.stageOf" (list $ $part) | empty | not) -}}
{{- end -}}
{{- range $name, $value := $variables }}
{{- if not (has $value (list nil "")) }}
- name: TANDEM_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
