{{/* Takes $: the namespace of each user of a secured Kafka, as YAML. */}}
{{- define "kafkascope-demo.users" -}}
exporter: {{ include "kafkascope-demo.namespace" (list . "kafka") }}
producer: {{ include "kafkascope-demo.namespace" (list . "apps") }}
consumer: {{ include "kafkascope-demo.namespace" (list . "apps") }}
verifier: {{ include "kafkascope-demo.namespace" (list . "apps") }}
{{- end -}}

{{/* Takes $: topics, users and what each may do; `kafkascope-demo kafka-setup` makes them. */}}
{{- define "kafkascope-demo.kafkaSetup" -}}
{{- $events := .Values.events -}}
topics:
  {{- range list $events.topic $events.deadLetterTopic }}
  - name: {{ . }}
    partitions: {{ $events.partitions }}
    replication_factor: {{ include "kafkascope-demo.replicas" $ }}
    config:
      min.insync.replicas: {{ include "kafkascope-demo.minInSync" $ | quote }}
      retention.ms: {{ $events.retentionMs | int64 | quote }}
  {{- end }}
{{- if .Values.security.enabled }}
users:
  {{- range $user, $_ := include "kafkascope-demo.users" . | fromYaml }}
  - {name: {{ $user }}, password_file: /etc/kafkascope/users/{{ $user }}/password}
  {{- end }}
acls:
  # The exporter: what docs/operations.md asks for, and nothing more.
  - {user: exporter, resource: topic, name: "*", operations: [Describe, DescribeConfigs]}
  - {user: exporter, resource: group, name: "*", operations: [Describe]}
  - {user: exporter, resource: cluster, name: kafka-cluster, operations: [Describe]}
  - {user: producer, resource: topic, name: {{ $events.topic }}, operations: [Write, Describe]}
  - {user: producer, resource: cluster, name: kafka-cluster, operations: [IdempotentWrite]}
  - {user: consumer, resource: topic, name: {{ $events.topic }}, operations: [Read, Describe]}
  - {user: consumer, resource: topic, name: {{ $events.deadLetterTopic }}, operations: [Write, Describe]}
  - {user: consumer, resource: group, name: {{ $events.group }}, operations: [Read, Describe]}
  - {user: consumer, resource: cluster, name: kafka-cluster, operations: [IdempotentWrite]}
  # The verifier reads events back and asks for commits; the scenarios make topics, delete records and join groups.
  - {user: verifier, resource: topic, name: "*", operations: [Read, Write, Create, Delete, Describe, DescribeConfigs, AlterConfigs]}
  - {user: verifier, resource: group, name: "*", operations: [Read, Describe, Delete]}
  - {user: verifier, resource: cluster, name: kafka-cluster, operations: [Describe, Create, IdempotentWrite]}
{{- end }}
{{- end -}}
