{{- /* "true" when a part is on, else nothing: (list $ "server"). "-" is what global.enabled says. */}}
{{- define "tandem.isOn" -}}
{{- $root := index . 0 -}}
{{- $enabled := (index $root.Values (index . 1)).enabled | toString -}}
{{- if or (eq $enabled "true") (and (eq $enabled "-") $root.Values.global.enabled) }}true{{ end }}
{{- end }}
