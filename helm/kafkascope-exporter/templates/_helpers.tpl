{{- define "kafkascope-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kafkascope-exporter.fullname" -}}
{{- $name := include "kafkascope-exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "kafkascope-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "kafkascope-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kafkascope-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: exporter
{{- end -}}

{{/* Of the pod of `helm test`. */}}
{{- define "kafkascope-exporter.testLabels" -}}
{{ include "kafkascope-exporter.selectorLabels" . | replace "component: exporter" "component: exporter-test" }}
{{- end -}}

{{- define "kafkascope-exporter.labels" -}}
{{ include "kafkascope-exporter.selectorLabels" . }}
app.kubernetes.io/part-of: kafkascope
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "kafkascope-exporter.image" -}}
{{- $image := .Values.image -}}
{{- with default $image.registry .Values.global.imageRegistry }}{{ . }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* Secrets to pull images with; other charts' global values name them without `name`, too. */}}
{{- define "kafkascope-exporter.imagePullSecrets" -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
- name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") }}
{{- end }}
{{- end -}}

{{/* Secrets with TLS files and with the password; empty for none. */}}
{{- define "kafkascope-exporter.tlsSecret" -}}
{{- if .Values.tls.create }}{{ include "kafkascope-exporter.fullname" . }}-tls{{ else }}{{ tpl .Values.tls.existingSecret . }}{{ end -}}
{{- end -}}
{{- define "kafkascope-exporter.caSecret" -}}
{{- if .Values.tls.existingCaSecret }}{{ tpl .Values.tls.existingCaSecret . }}
{{- else if or (not .Values.tls.create) .Values.tls.create.ca }}{{ include "kafkascope-exporter.tlsSecret" . }}{{ end -}}
{{- end -}}
{{- define "kafkascope-exporter.saslSecret" -}}
{{- if .Values.sasl.password }}{{ include "kafkascope-exporter.fullname" . }}-sasl{{ else }}{{ tpl .Values.sasl.existingSecret . }}{{ end -}}
{{- end -}}

{{/* The rules as Prometheus reads them: rules.yaml with the values between @ signs filled in. It needs .Files and .Values.prometheusRule only. */}}
{{- define "kafkascope-exporter.rules" -}}
{{- $sets := .Files.Get "files/rules-values.yaml" | fromYaml -}}
{{- $known := $sets.default -}}
{{- if eq .Values.prometheusRule.preset "test" }}{{ $known = mergeOverwrite $known $sets.test }}{{ end -}}
{{- range $name, $_ := .Values.prometheusRule.values -}}
{{- if not (hasKey $known $name) -}}
{{- fail (printf "prometheusRule.values.%s: there is no such value; known: %s" $name (keys $known | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- $text := printf "groups:%s" (index (splitList "\ngroups:" (.Files.Get "files/rules.yaml")) 1) -}}
{{- range $name, $value := mergeOverwrite (deepCopy $known) .Values.prometheusRule.values -}}
{{- $text = replace (printf "@%s@" $name) (toString $value) $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{/* What ServiceMonitor and PodMonitor have in common. Takes (list $ MONITOR). */}}
{{- define "kafkascope-exporter.endpoint" -}}
{{- $root := index . 0 -}}
{{- $monitor := index . 1 -}}
port: http
path: {{ $root.Values.web.telemetryPath }}
{{- if $root.Values.web.tls.enabled }}
scheme: https
tlsConfig: {{- default (dict "insecureSkipVerify" true) $monitor.tlsConfig | toYaml | nindent 2 }}
{{- end }}
{{- with $monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if $monitor.honorLabels }}
honorLabels: true
{{- end }}
{{- with $monitor.relabelings }}
relabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
