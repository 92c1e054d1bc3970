{{/*
An object as `dkron-ha manifests` renders it by default, from the folder objects, in the namespace of the release. Everything that no value
changes comes from there: the chart says only what differs. Given: the root, the name of the file.
*/}}
{{- define "dkron-ha.object" -}}
{{- $root := index . 0 -}}
{{- $object := $root.Files.Get (printf "objects/%s.yaml" (index . 1)) | fromYaml -}}
{{- if hasKey $object.metadata "namespace" -}}
{{- $_ := set $object.metadata "namespace" $root.Release.Namespace -}}
{{- end -}}
{{- range $object.subjects -}}
{{- $_ := set . "namespace" $root.Release.Namespace -}}
{{- end -}}
{{- toYaml $object -}}
{{- end -}}

{{/*
Changes a selector of namespaces: of dkron-ha's own, that of the release is left out. Given: selector, namespace.
*/}}
{{- define "dkron-ha.exclude" -}}
{{- range .selector.matchExpressions -}}
{{- if eq .key "kubernetes.io/metadata.name" -}}
{{- $others := without .values "dkron-ha" -}}
{{- $_ := set . "values" (ternary $others (append $others $.namespace) (has $.namespace $others)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
