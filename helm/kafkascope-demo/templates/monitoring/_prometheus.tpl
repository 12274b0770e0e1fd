{{/* prometheus.yml. Jobs are named as in the local demo: rules and dashboards know them so. */}}
{{- define "kafkascope-demo.prometheusConfig" -}}
{{- $every := ternary "2s" .Values.prometheus.scrapeInterval (eq .Values.prometheus.rules "test") -}}
{{- $apps := include "kafkascope-demo.namespace" (list . "apps") -}}
{{- $monitoring := include "kafkascope-demo.namespace" (list . "monitoring") -}}
global:
  scrape_interval: {{ $every }}
  evaluation_interval: {{ $every }}
rule_files:
  - /etc/prometheus/rules.yml
scrape_configs:
  {{- if .Values.exporter.enabled }}
  - job_name: kafka-exporter
    static_configs:
      - targets: ["{{ .Release.Name }}-exporter.{{ include "kafkascope-demo.namespace" (list . "kafka") }}.svc:9308"]
  {{- end }}
  - job_name: kafka-producer
    static_configs:
      - targets: ["{{ include "kafkascope-demo.name" (list . "producer") }}.{{ $apps }}.svc:8080"]
  - job_name: kafka-consumer
    dns_sd_configs:
      - {names: ["{{ include "kafkascope-demo.name" (list . "consumer") }}.{{ $apps }}.svc"], type: A, port: 8081, refresh_interval: 5s}
  {{- if .Values.locust.enabled }}
  - job_name: locust
    static_configs:
      - targets: ["{{ include "kafkascope-demo.name" (list . "locust") }}.{{ $apps }}.svc:8089"]
  {{- end }}
  {{- if eq .Values.otlp.backend "openobserve" }}
  - job_name: openobserve
    static_configs:
      - targets: ["{{ include "kafkascope-demo.name" (list . "openobserve") }}.{{ $monitoring }}.svc:5080"]
  {{- end }}
  {{- if eq .Values.kafka.mode "strimzi" }}
  {{- include "kafkascope-demo.strimziScrapeJobs" . | nindent 2 }}
  {{- end }}
  {{- with .Values.prometheus.extraScrapeConfigs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $write := .Values.prometheus.remoteWrite }}
{{- if or $write (eq .Values.otlp.backend "openobserve") }}
remote_write:
  {{- with $write }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if eq .Values.otlp.backend "openobserve" }}
  {{- include "kafkascope-demo.openobserveRemoteWrite" . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
