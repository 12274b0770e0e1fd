{{/* Takes $: addresses of the controllers. */}}
{{- define "kafkascope-demo.voters" -}}
{{- $root := . -}}
{{- $voters := list -}}
{{- range $id := untilStep 1 (int (add1 .Values.kafka.nodes)) 1 -}}
{{- $voters = append $voters (printf "%d@%s:9093" $id (include "kafkascope-demo.brokerHost" (list $root $id))) -}}
{{- end -}}
{{- join "," $voters -}}
{{- end -}}

{{/* Takes (list $ ID): the host of a broker's pod. */}}
{{- define "kafkascope-demo.brokerHost" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%v.%s.%s.svc" (include "kafkascope-demo.name" (list $root "kafka")) (index . 1) (include "kafkascope-demo.name" (list $root "kafka-brokers")) (include "kafkascope-demo.namespace" (list $root "kafka")) -}}
{{- end -}}

{{/* Takes $: server.properties, but for what differs from broker to broker. */}}
{{- define "kafkascope-demo.serverProperties" -}}
{{- $secure := .Values.security.enabled -}}
{{- $replicas := include "kafkascope-demo.replicas" . -}}
{{- $minInSync := include "kafkascope-demo.minInSync" . -}}
process.roles=broker,controller
controller.quorum.voters={{ include "kafkascope-demo.voters" . }}
controller.listener.names=CONTROLLER
listeners=CLIENT://:9092,CONTROLLER://:9093,BROKER://:9094
inter.broker.listener.name=BROKER
{{- if $secure }}
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:SSL,BROKER:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.broker.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
ssl.client.auth=none
ssl.keystore.type=PEM
ssl.keystore.location=/etc/kafkascope/tls/broker/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=/etc/kafkascope/tls/broker/ca.crt
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:kafka;User:admin
allow.everyone.if.no.acl.found=false
{{- else }}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,BROKER:PLAINTEXT
{{- end }}
log.dirs=/var/lib/kafka/data/log
auto.create.topics.enable=false
num.partitions={{ .Values.events.partitions }}
default.replication.factor={{ $replicas }}
min.insync.replicas={{ $minInSync }}
offsets.topic.replication.factor={{ $replicas }}
offsets.topic.num.partitions=10
transaction.state.log.replication.factor={{ $replicas }}
transaction.state.log.min.isr={{ $minInSync }}
share.coordinator.state.topic.replication.factor={{ $replicas }}
share.coordinator.state.topic.min.isr={{ $minInSync }}
group.initial.rebalance.delay.ms=500
{{- range $name, $value := .Values.kafka.config }}
{{ $name }}={{ $value }}
{{- end }}
{{- end -}}
