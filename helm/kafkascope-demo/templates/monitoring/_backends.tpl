{{/* Where the backend itself takes OTLP over HTTP. */}}
{{- define "kafkascope-demo.backendEndpoint" -}}
{{- $namespace := include "kafkascope-demo.namespace" (list . "monitoring") -}}
{{- if eq .Values.otlp.backend "jaeger" -}}
{{- printf "http://%s.%s.svc:4318" (include "kafkascope-demo.name" (list . "jaeger")) $namespace -}}
{{- else if eq .Values.otlp.backend "openobserve" -}}
{{- printf "http://%s.%s.svc:5080/api/default" (include "kafkascope-demo.name" (list . "openobserve")) $namespace -}}
{{- else -}}
{{- required "otlp.external.endpoint: otlp.backend external needs it, as http://host:4318" .Values.otlp.external.endpoint -}}
{{- end -}}
{{- end -}}

{{- define "kafkascope-demo.collectorConfig" -}}
receivers:
  otlp:
    protocols:
      http: {endpoint: "0.0.0.0:4318"}
      grpc: {endpoint: "0.0.0.0:4317"}
processors:
  memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 20}
  batch: {timeout: 1s}
exporters:
  otlphttp:
    endpoint: {{ include "kafkascope-demo.backendEndpoint" . }}
    {{- if eq .Values.otlp.backend "openobserve" }}
    headers: {Authorization: "${env:OTLP_AUTHORIZATION}"}
    {{- end }}
extensions:
  health_check: {endpoint: "0.0.0.0:13133"}
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlphttp]}
{{- end -}}

{{/* Prometheus writes to OpenObserve, so that metrics and traces are in one place, as in the talk. */}}
{{- define "kafkascope-demo.openobserveRemoteWrite" -}}
- url: http://{{ include "kafkascope-demo.name" (list . "openobserve") }}.{{ include "kafkascope-demo.namespace" (list . "monitoring") }}.svc:5080/api/default/prometheus/api/v1/write
  basic_auth:
    username: {{ .Values.openobserve.user }}
    password_file: /etc/kafkascope/openobserve/password
{{- end -}}
