{{/* The exporter's configuration file. Secrets stand in files of their own. What `config` gives for the cluster is put over what the other values give. */}}
{{- define "kafkascope-exporter.config" -}}
{{- $v := .Values -}}
{{- $cluster := dict "show_all_offsets" $v.showAllOffsets -}}
{{- $servers := list -}}
{{- range $v.kafka.servers }}{{ $servers = append $servers (tpl . $) }}{{ end -}}
{{- with $servers }}{{ $_ := set $cluster "servers" . }}{{ end -}}
{{- with $v.kafka.labels }}{{ $_ := set $cluster "labels" . }}{{ end -}}
{{- with $v.kafka.clientId }}{{ $_ := set $cluster "client_id" . }}{{ end -}}
{{- with $v.kafka.properties }}{{ $_ := set $cluster "properties" . }}{{ end -}}
{{- range $kind, $filter := dict "topics" $v.topics "groups" $v.groups -}}
{{- $given := dict -}}
{{- range $name, $pattern := $filter }}{{ if $pattern }}{{ $_ := set $given $name $pattern }}{{ end }}{{ end -}}
{{- if $given }}{{ $_ := set $cluster $kind $given }}{{ end -}}
{{- end -}}
{{- if $v.tls.enabled -}}
{{- $tls := dict "enabled" true -}}
{{- if and $v.tls.caKey (include "kafkascope-exporter.caSecret" .) }}{{ $_ := set $tls "ca_file" (printf "/etc/kafkascope/ca/%s" $v.tls.caKey) }}{{ end -}}
{{- if $v.tls.certKey -}}
{{- $_ := set $tls "cert_file" (printf "/etc/kafkascope/tls/%s" $v.tls.certKey) -}}
{{- $_ := set $tls "key_file" (printf "/etc/kafkascope/tls/%s" $v.tls.keyKey) -}}
{{- end -}}
{{- with $v.tls.serverName }}{{ $_ := set $tls "server_name" . }}{{ end -}}
{{- if $v.tls.insecureSkipVerify }}{{ $_ := set $tls "insecure_skip_tls_verify" true }}{{ end -}}
{{- $_ := set $cluster "tls" $tls -}}
{{- end -}}
{{- if $v.sasl.enabled -}}
{{- $sasl := dict "enabled" true "mechanism" $v.sasl.mechanism -}}
{{- with $v.sasl.username }}{{ $_ := set $sasl "username" . }}{{ end -}}
{{- if include "kafkascope-exporter.saslSecret" . }}{{ $_ := set $sasl "password_file" (printf "/etc/kafkascope/sasl/%s" $v.sasl.passwordKey) }}{{ end -}}
{{- with $v.sasl.awsRegion }}{{ $_ := set $sasl "aws_region" . }}{{ end -}}
{{- with $v.sasl.oauthbearerTokenUrl }}{{ $_ := set $sasl "oauthbearer_token_url" . }}{{ end -}}
{{- with $v.sasl.oauthbearerScopes }}{{ $_ := set $sasl "oauthbearer_scopes" (join "," .) }}{{ end -}}
{{- $_ := set $cluster "sasl" $sasl -}}
{{- end -}}
{{- $collect := dict -}}
{{- range $name, $value := $v.collect }}{{ if $value }}{{ $_ := set $collect $name $value }}{{ end }}{{ end -}}
{{- $web := dict "listen_address" ":9308" "telemetry_path" $v.web.telemetryPath -}}
{{- if $v.web.tls.enabled }}{{ $_ := set $web "tls" (dict "enabled" true "cert_file" "/etc/kafkascope/web/tls.crt" "key_file" "/etc/kafkascope/web/tls.key") }}{{ end -}}
{{- $config := dict "web" $web "collect" $collect "metrics" (dict "uncommitted" $v.uncommitted) "log" (deepCopy $v.log) -}}
{{- range $v.config.clusters }}{{ $cluster = mergeOverwrite $cluster (deepCopy .) }}{{ end -}}
{{- toYaml (mergeOverwrite $config (deepCopy (omit $v.config "clusters")) (dict "clusters" (list $cluster))) -}}
{{- end -}}
