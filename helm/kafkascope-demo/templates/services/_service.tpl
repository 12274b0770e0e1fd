{{/*
A traced service's Deployment and Service. Takes (dict "root" $ "component" NAME "values" VALUES "port" NUMBER
"env" YAML): producer and consumer differ in their variables only.
*/}}
{{- define "kafkascope-demo.service" -}}
{{- $root := .root }}
{{- $name := include "kafkascope-demo.name" (list $root .component) }}
{{- $namespace := include "kafkascope-demo.namespace" (list $root "apps") }}
{{- $instrumented := and (eq $root.Values.tracing.mode "auto") $root.Values.instrumentation.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels: {{- include "kafkascope-demo.labels" (list $root .component) | nindent 4 }}
spec:
  {{- if not (and $root.Values.keda.enabled (eq .component "consumer")) }}
  replicas: {{ .values.replicas }}
  {{- end }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  selector:
    matchLabels: {{- include "kafkascope-demo.selectorLabels" (list $root .component) | nindent 6 }}
  template:
    metadata:
      labels: {{- include "kafkascope-demo.podLabels" (list $root .component) | nindent 8 }}
      {{- $annotations := .values.podAnnotations }}
      {{- if $instrumented }}
      {{- $annotations = merge (dict "instrumentation.opentelemetry.io/inject-python" "true") $annotations }}
      {{- end }}
      {{- with include "kafkascope-demo.podAnnotations" (list $root $annotations) }}
      annotations: {{- . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "kafkascope-demo.pod" $root | nindent 6 }}
      terminationGracePeriodSeconds: 45
      securityContext: {{- include "kafkascope-demo.podSecurityContext" 10001 | nindent 8 }}
      containers:
        - name: {{ .component }}
          image: {{ include "kafkascope-demo.image" (list $root $root.Values.image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          securityContext: {{- include "kafkascope-demo.securityContext" $root | nindent 12 }}
          args: [{{ .component }}]
          env:
            {{- include "kafkascope-demo.kafkaEnv" (list $root .component) | nindent 12 }}
            {{- include "kafkascope-demo.telemetry" $root | nindent 12 }}
            {{- include "kafkascope-demo.resource" $root | nindent 12 }}
            - {name: TRACING, value: {{ $root.Values.tracing.mode | quote }}}
            - {name: PORT, value: {{ .port | quote }}}
            - {name: TOPIC, value: {{ $root.Values.events.topic | quote }}}
            - {name: PARTITIONS, value: {{ $root.Values.events.partitions | quote }}}
            - {name: REPLICATION_FACTOR, value: {{ include "kafkascope-demo.replicas" $root | quote }}}
            - {name: MIN_INSYNC_REPLICAS, value: {{ include "kafkascope-demo.minInSync" $root | quote }}}
            - {name: FAULTS, value: {{ ternary "on" "off" .values.faults | quote }}}
            {{- if $instrumented }}
            - {name: OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, value: confluent_kafka}
            {{- end }}
            {{- .env | nindent 12 }}
            {{- with .values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - {name: http, containerPort: {{ .port }}}
          startupProbe: {httpGet: {path: /metrics, port: http}, periodSeconds: 2, failureThreshold: 60}
          # Kafka that is away makes it not ready, and is no reason to restart it.
          readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 5, timeoutSeconds: 6, failureThreshold: 3}
          livenessProbe: {httpGet: {path: /metrics, port: http}, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6}
          resources: {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- include "kafkascope-demo.kafkaMounts" (list $root .component) | nindent 12 }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 64Mi}
        {{- include "kafkascope-demo.kafkaVolumes" (list $root .component) | nindent 8 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels: {{- include "kafkascope-demo.labels" (list $root .component) | nindent 4 }}
spec:
  {{- if eq .component "consumer" }}
  # Headless: Prometheus and the verifier ask each consumer.
  clusterIP: None
  publishNotReadyAddresses: true
  {{- end }}
  selector: {{- include "kafkascope-demo.selectorLabels" (list $root .component) | nindent 4 }}
  ports:
    - {name: http, port: {{ .port }}, targetPort: http}
{{- end -}}
