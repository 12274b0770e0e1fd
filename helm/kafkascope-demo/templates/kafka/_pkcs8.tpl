{{/*
Takes an RSA key as Helm makes it (PKCS #1, PEM), and gives it as Kafka reads it (PKCS #8): the same key, after a header
that names its kind (RFC 5208). For keys of 256 bytes and more, whose lengths take two bytes.
*/}}
{{- define "kafkascope-demo.pkcs8" -}}
{{- $key := . | replace "-----BEGIN RSA PRIVATE KEY-----" "" | replace "-----END RSA PRIVATE KEY-----" "" | nospace | b64dec -}}
{{- $length := len $key -}}
{{- $version := b64dec "AgEAMA0GCSqGSIb3DQEBAQUABII=" -}}
{{- $whole := print (b64dec "MII=") (include "kafkascope-demo.twoBytes" (add $length 22)) $version (include "kafkascope-demo.twoBytes" $length) $key -}}
-----BEGIN PRIVATE KEY-----
{{ $whole | b64enc }}
-----END PRIVATE KEY-----
{{ end -}}

{{/* A number as two bytes, the higher first. */}}
{{- define "kafkascope-demo.twoBytes" -}}
{{- $letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" -}}
{{- range list (div . 256) (mod . 256) -}}
{{- $first := int (div . 4) -}}
{{- $second := int (mul (mod . 4) 16) -}}
{{- b64dec (printf "%s%s==" (substr $first (int (add1 $first)) $letters) (substr $second (int (add1 $second)) $letters)) -}}
{{- end -}}
{{- end -}}
