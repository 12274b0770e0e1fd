{{/*
The alert rules as Prometheus reads them, of the exporter's chart: rules.yaml with the values between @ signs filled in.
*/}}
{{- define "kafkascope-demo.rules" -}}
{{- $files := .Subcharts.exporter.Files -}}
{{- $sets := $files.Get "files/rules-values.yaml" | fromYaml -}}
{{- $values := $sets.default -}}
{{- if eq .Values.prometheus.rules "test" }}{{ $values = mergeOverwrite $values $sets.test }}{{ end -}}
{{- $text := printf "groups:%s" (index (splitList "\ngroups:" ($files.Get "files/rules.yaml")) 1) -}}
{{- range $name, $value := $values }}{{ $text = replace (printf "@%s@" $name) (toString $value) $text }}{{ end -}}
{{- $text -}}
{{- end -}}
