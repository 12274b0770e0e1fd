{{/* The name of the Kafka resource, and of its cluster. */}}
{{- define "kafkascope-demo.strimziCluster" -}}
{{- default (include "kafkascope-demo.fullname" .) .Values.strimzi.cluster -}}
{{- end -}}

{{/* Takes (list $ USER): the Secret with client.properties; the password in it is the KafkaUser's as well. */}}
{{- define "kafkascope-demo.strimziClientSecret" -}}
{{- printf "%s-user-%s" (include "kafkascope-demo.fullname" (index . 0)) (index . 1) -}}
{{- end -}}

{{/*
Templates of a pod and its containers as the standard "restricted" wants them: by itself the operator makes less (unless
it runs with STRIMZI_POD_SECURITY_PROVIDER_CLASS=restricted). Takes the containers' names.
*/}}
{{- define "kafkascope-demo.strimziRestricted" -}}
pod:
  securityContext:
    runAsNonRoot: true
    fsGroup: 0
    seccompProfile: {type: RuntimeDefault}
{{- range . }}
{{ . }}:
  securityContext:
    allowPrivilegeEscalation: false
    capabilities: {drop: [ALL]}
{{- end }}
{{- end -}}

{{/* Labels of a custom resource. Takes (list $ COMPONENT). */}}
{{- define "kafkascope-demo.strimziLabels" -}}
{{ include "kafkascope-demo.labels" . }}
strimzi.io/cluster: {{ include "kafkascope-demo.strimziCluster" (index . 0) }}
{{- end -}}

{{/*
Jobs of Prometheus for brokers, bridge and Strimzi's own exporter, found by names of headless Services. The series of
that exporter get a prefix: beside ours, sums of lag would count twice.
*/}}
{{- define "kafkascope-demo.strimziScrapeJobs" -}}
{{- $cluster := include "kafkascope-demo.strimziCluster" . -}}
{{- $kafka := include "kafkascope-demo.namespace" (list . "kafka") -}}
- job_name: kafka-jmx
  dns_sd_configs:
    - {names: ["{{ $cluster }}-kafka-brokers.{{ $kafka }}.svc"], type: A, port: 9404}
  relabel_configs:
    - {target_label: strimzi_io_cluster, replacement: {{ $cluster }}}
    - {target_label: namespace, replacement: {{ $kafka }}}
{{- if .Values.strimzi.bridge.enabled }}
- job_name: kafka-bridge
  static_configs:
    - targets: ["{{ include "kafkascope-demo.name" (list . "bridge-metrics") }}.{{ $kafka }}.svc:8081"]
{{- end }}
{{- if .Values.strimzi.kafkaExporter.enabled }}
- job_name: strimzi-kafka-exporter
  dns_sd_configs:
    - {names: ["{{ include "kafkascope-demo.name" (list . "strimzi-exporter") }}.{{ $kafka }}.svc"], type: A, port: 9404}
  metric_relabel_configs:
    - {source_labels: [__name__], regex: (kafka_.+), target_label: __name__, replacement: strimzi_$1}
{{- end }}
{{- end -}}

{{/* Arguments of the verifier for what only Strimzi has. */}}
{{- define "kafkascope-demo.strimziAddresses" -}}
{{- if .Values.strimzi.bridge.enabled }}
- --bridge=http://{{ include "kafkascope-demo.strimziCluster" . }}-bridge-service.{{ include "kafkascope-demo.namespace" (list . "kafka") }}.svc:8080
{{- end }}
{{- end -}}
