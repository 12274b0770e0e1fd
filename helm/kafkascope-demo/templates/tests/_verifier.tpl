{{/* Arguments of the verifier that say where everything is. */}}
{{- define "kafkascope-demo.addresses" -}}
{{- $apps := include "kafkascope-demo.namespace" (list . "apps") -}}
{{- $monitoring := include "kafkascope-demo.namespace" (list . "monitoring") -}}
- --kubernetes={{ .Release.Name }}
{{- range include "kafkascope-demo.namespaces" . | fromJsonArray }}
- --namespace={{ . }}
{{- end }}
- --bootstrap-servers={{ include "kafkascope-demo.bootstrapServers" . }}
{{- if include "kafkascope-demo.userSecret" (list . "verifier") }}
- --kafka-properties=/etc/kafkascope/kafka/client.properties
{{- end }}
- --producer=http://{{ include "kafkascope-demo.name" (list . "producer") }}.{{ $apps }}.svc:8080
- --consumer=http://{{ include "kafkascope-demo.name" (list . "consumer") }}.{{ $apps }}.svc:8081
- --exporter=http://{{ .Release.Name }}-exporter.{{ include "kafkascope-demo.namespace" (list . "kafka") }}.svc:9308
{{- if eq .Values.otlp.backend "jaeger" }}
- --traces=jaeger
- --traces-url=http://{{ include "kafkascope-demo.name" (list . "jaeger") }}.{{ $monitoring }}.svc:16686
{{- else if eq .Values.otlp.backend "openobserve" }}
- --traces=openobserve
- --traces-url=http://{{ include "kafkascope-demo.name" (list . "openobserve") }}.{{ $monitoring }}.svc:5080/api/default
{{- else }}
- --traces={{ .Values.otlp.external.kind }}
- --traces-url={{ .Values.otlp.external.queryUrl }}
{{- end }}
{{- if .Values.prometheus.enabled }}
- --prometheus=http://{{ include "kafkascope-demo.name" (list . "prometheus") }}.{{ $monitoring }}.svc:9090
- --rules={{ .Values.prometheus.rules }}
{{- end }}
{{- if .Values.locust.enabled }}
- --locust=http://{{ include "kafkascope-demo.name" (list . "locust") }}.{{ $apps }}.svc:8089
{{- end }}
{{- if eq .Values.kafka.mode "strimzi" }}
{{- include "kafkascope-demo.strimziAddresses" . }}
{{- end }}
- --topic={{ .Values.events.topic }}
- --group={{ .Values.events.group }}
- --dead-letter-topic={{ .Values.events.deadLetterTopic }}
{{- end -}}
