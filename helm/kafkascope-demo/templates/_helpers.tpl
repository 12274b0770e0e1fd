{{/* The first part of every object's name. */}}
{{- define "kafkascope-demo.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Takes (list $ COMPONENT): the name of a component's objects. */}}
{{- define "kafkascope-demo.name" -}}
{{- printf "%s-%s" (include "kafkascope-demo.fullname" (index . 0)) (index . 1) -}}
{{- end -}}

{{/* Takes (list $ "kafka"|"monitoring"|"apps"): the namespace of that part. */}}
{{- define "kafkascope-demo.namespace" -}}
{{- $root := index . 0 -}}
{{- default $root.Release.Namespace (get $root.Values.namespaces (index . 1)) -}}
{{- end -}}

{{/* The namespaces in use, a JSON list without repetitions. */}}
{{- define "kafkascope-demo.namespaces" -}}
{{- $root := . -}}
{{- $found := list -}}
{{- range list "kafka" "monitoring" "apps" -}}
{{- $found = append $found (include "kafkascope-demo.namespace" (list $root .)) -}}
{{- end -}}
{{- $found | uniq | toJson -}}
{{- end -}}

{{/* Takes (list $ COMPONENT): labels that select a component's pods. */}}
{{- define "kafkascope-demo.selectorLabels" -}}
app.kubernetes.io/name: kafkascope-demo
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Takes (list $ COMPONENT). */}}
{{- define "kafkascope-demo.labels" -}}
{{- $root := index . 0 -}}
{{ include "kafkascope-demo.selectorLabels" . }}
app.kubernetes.io/part-of: kafkascope
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (list $ COMPONENT): labels of a pod. Without the chart's version: a new one rolls nothing by itself. */}}
{{- define "kafkascope-demo.podLabels" -}}
{{ include "kafkascope-demo.selectorLabels" . }}
app.kubernetes.io/part-of: kafkascope
{{- with (index . 0).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (list $ OWN): annotations of a pod of our image; empty for none. */}}
{{- define "kafkascope-demo.podAnnotations" -}}
{{- with merge (dict) (index . 1) (index . 0).Values.podAnnotations }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Takes (list $ IMAGE): an image's reference; a digest counts more than a tag. */}}
{{- define "kafkascope-demo.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $image.registry $root.Values.global.imageRegistry -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default $root.Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* Takes $: what every pod has. */}}
{{- define "kafkascope-demo.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") }}}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Takes the numeric user: a pod's security context, as the standard "restricted" wants it. */}}
{{- define "kafkascope-demo.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* A container's. */}}
{{- define "kafkascope-demo.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* host:port of every bootstrap server. */}}
{{- define "kafkascope-demo.bootstrapServers" -}}
{{- $namespace := include "kafkascope-demo.namespace" (list . "kafka") -}}
{{- if eq .Values.kafka.mode "external" -}}
{{- required "kafka.external.bootstrapServers: kafka.mode external needs it, as host:port,…" .Values.kafka.external.bootstrapServers -}}
{{- else if eq .Values.kafka.mode "strimzi" -}}
{{- printf "%s-kafka-bootstrap.%s.svc:%s" (include "kafkascope-demo.strimziCluster" .) $namespace (ternary "9093" "9092" .Values.security.enabled) -}}
{{- else -}}
{{- printf "%s.%s.svc:9092" (include "kafkascope-demo.name" (list . "kafka")) $namespace -}}
{{- end -}}
{{- end -}}

{{/* Takes (list $ USER): the Secret with the properties that a client connects with; empty where none is needed. */}}
{{- define "kafkascope-demo.userSecret" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.kafka.mode "external" -}}
{{- $root.Values.kafka.external.propertiesSecret -}}
{{- else if and $root.Values.security.enabled (eq $root.Values.kafka.mode "embedded") -}}
{{- printf "%s-user-%s" (include "kafkascope-demo.fullname" $root) (index . 1) -}}
{{- else if $root.Values.security.enabled -}}
{{- include "kafkascope-demo.strimziClientSecret" . -}}
{{- end -}}
{{- end -}}

{{/* How many replicas a topic has, and how many have to be in sync. */}}
{{- define "kafkascope-demo.replicas" -}}
{{- if eq .Values.kafka.mode "external" }}{{ .Values.kafka.external.replicationFactor }}{{ else }}{{ min 3 (int .Values.kafka.nodes) }}{{ end -}}
{{- end -}}
{{- define "kafkascope-demo.minInSync" -}}
{{- max 1 (sub (include "kafkascope-demo.replicas" . | int) 1) -}}
{{- end -}}

{{/* Where traces are sent to, without a path. */}}
{{- define "kafkascope-demo.otlpEndpoint" -}}
{{- $namespace := include "kafkascope-demo.namespace" (list . "monitoring") -}}
{{- if .Values.otlp.collector.enabled -}}
{{- printf "http://%s.%s.svc:4318" (include "kafkascope-demo.name" (list . "otel-collector")) $namespace -}}
{{- else -}}
{{- include "kafkascope-demo.backendEndpoint" . -}}
{{- end -}}
{{- end -}}

{{/* A Secret with the header that the backend wants (key: headers); empty for none. */}}
{{- define "kafkascope-demo.otlpHeadersSecret" -}}
{{- if .Values.otlp.collector.enabled -}}
{{- else if eq .Values.otlp.backend "openobserve" -}}
{{- include "kafkascope-demo.name" (list . "openobserve-otlp") -}}
{{- else if eq .Values.otlp.backend "external" -}}
{{- .Values.otlp.external.headersSecret -}}
{{- end -}}
{{- end -}}

{{/* Variables of everything that is traced. */}}
{{- define "kafkascope-demo.telemetry" -}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ include "kafkascope-demo.otlpEndpoint" . | quote }}}
- {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: http/protobuf}
- {name: OTEL_TRACES_SAMPLER, value: {{ .Values.tracing.sampler | quote }}}
{{- with .Values.tracing.samplerArgument }}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ . | quote }}}
{{- end }}
{{- with include "kafkascope-demo.otlpHeadersSecret" . }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: headers}}
{{- end }}
{{- end -}}

{{/* Variables that name a pod in traces; POD_NAME has to come first. */}}
{{- define "kafkascope-demo.resource" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- {name: OTEL_RESOURCE_ATTRIBUTES, value: "service.instance.id=$(POD_NAME),k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)"}
{{- end -}}

{{/* Takes (list $ USER): variables, mounts and volumes that a client of Kafka needs. */}}
{{- define "kafkascope-demo.kafkaEnv" -}}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ include "kafkascope-demo.bootstrapServers" (index . 0) | quote }}}
{{- if include "kafkascope-demo.userSecret" . }}
- {name: KAFKA_PROPERTIES_FILE, value: /etc/kafkascope/kafka/client.properties}
{{- end }}
{{- end -}}
{{- define "kafkascope-demo.kafkaMounts" -}}
{{- if include "kafkascope-demo.userSecret" . }}
- {name: kafka-user, mountPath: /etc/kafkascope/kafka, readOnly: true}
{{- end }}
{{- end -}}
{{- define "kafkascope-demo.kafkaVolumes" -}}
{{- $root := index . 0 }}
{{- with include "kafkascope-demo.userSecret" . }}
- name: kafka-user
  {{- if eq $root.Values.kafka.mode "strimzi" }}
  projected:
    defaultMode: 0440
    sources:
      - secret: {name: {{ . }}}
      - secret: {name: {{ include "kafkascope-demo.strimziCluster" $root }}-cluster-ca-cert, items: [{key: ca.crt, path: ca.crt}]}
  {{- else }}
  secret: {secretName: {{ . }}, defaultMode: 0440}
  {{- end }}
{{- end }}
{{- end -}}
